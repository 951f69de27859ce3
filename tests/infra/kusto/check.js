// What Microsoft's own parser and analyser of Kusto, which the portal's editor is made of, says of
// queries. Standard input: {tables: {name: {type: [column]}}, queries: [{text, source}]}, of
// which a transformation alone has a source, the table that it calls by that word. Standard output:
// one answer for each query, in their order:
//   problems     what is wrong, each with the piece of text that it is about
//   mixed        what `in` looks for in values of another type: no error, and never found
//   columns      {name: type} of what the query returns
//   tables       what it reads from
//   functions    what it calls
//   operators    what stands between bars (extend, where) and between values (contains, ==)

require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");
const { GlobalState, KustoCode, Symbols, Syntax } = Kusto.Language;

const input = JSON.parse(require("node:fs").readFileSync(0, "utf8"));

const list = Bridge.toArray; // the library was made from .NET, and so are its collections

function table([name, columnsOfType]) {
  const columns = Object.entries(columnsOfType).flatMap(([type, names]) =>
    names.map((column) => `${column}: ${type}`),
  );
  return new Symbols.TableSymbol.$ctor7(name, `(${columns.join(", ")})`, null);
}

function workspace(tables, source) {
  const known = source ? { source: tables[source] } : tables;
  const database = new Symbols.DatabaseSymbol.ctor("workspace", Object.entries(known).map(table));
  return GlobalState.Default.WithDatabase(database);
}

function sorted(names) {
  return [...new Set(names)].sort();
}

function ofAnotherType(within) {
  const type = within.Left.ResultType;
  return list(within.Right.Expressions)
    .map((each) => each.Element)
    .filter((element) => type !== Symbols.ScalarTypes.Dynamic && element.ResultType !== type)
    .map((element) => within.Left.toString().trim() + ": " + element.toString().trim());
}

function answer({ text, source }) {
  const code = KustoCode.ParseAndAnalyze(text, workspace(input.tables, source));
  const nodes = list(code.Syntax.GetDescendants(Syntax.SyntaxNode));
  const operators = nodes.flatMap((node) => {
    if (node instanceof Syntax.QueryOperator) return [node.GetFirstToken().Text];
    return node.Operator instanceof Syntax.SyntaxToken ? [node.Operator.Text] : [];
  });
  return {
    problems: list(code.GetDiagnostics()).map(
      (each) => `${each.Severity}: ${each.Message} [${text.substr(each.Start, each.Length)}]`,
    ),
    mixed: sorted(
      nodes.filter((node) => node instanceof Syntax.InExpression).flatMap(ofAnotherType),
    ),
    columns: Object.fromEntries(
      list(code.ResultType?.Columns ?? []).map((column) => [column.Name, column.Type.Name]),
    ),
    tables: sorted(
      nodes
        .map((node) => node.ReferencedSymbol)
        .filter((symbol) => symbol instanceof Symbols.TableSymbol)
        .map((symbol) => symbol.Name),
    ),
    functions: sorted(
      nodes
        .filter((node) => node instanceof Syntax.FunctionCallExpression)
        .map((node) => node.Name.SimpleName),
    ),
    operators: sorted(operators),
  };
}

console.log(JSON.stringify(input.queries.map(answer)));
