"""The page on costs shows what its program says."""

import pytest

from infra.cost import Prices, Use, main, month, table
from tests.docs.pages import page
from tests.infra.templates import deployed, of_type

COSTS = page("docs/costs.md")
SHOWN = {
    "a service": Use(),
    "a small one": Use(clips=1_000, months_kept=3),
    "a large one": Use(clips=100_000),
}


@pytest.mark.parametrize("use", SHOWN.values(), ids=SHOWN.keys())
def test_the_tables_are_what_the_program_prints(use: Use) -> None:
    assert table(month(use, Prices())) in COSTS.text


def test_the_program_takes_every_choice(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--clips", "1000", "--no-archive", "--front-door", "--private-network"])
    printed = capsys.readouterr().out
    assert "| Front Door | 35.00 |" in printed
    assert "| private endpoints | 51.10 |" in printed


def test_what_is_counted_is_what_is_deployed() -> None:
    template = deployed("private network")
    metrics = of_type(template, "Microsoft.Insights/metricAlerts")
    logs = of_type(template, "Microsoft.Insights/scheduledQueryRules")
    often = [each for each in logs if each.properties["evaluationFrequency"] == "PT5M"]
    doors = of_type(template, "Microsoft.Network/privateEndpoints")
    assert f"{len(metrics)} on metrics, {len(often)} on logs every 5 minutes" in COSTS.text
    assert month(Use(private_network=True), Prices())["private endpoints"] == pytest.approx(
        len(doors) * Prices().private_endpoint
    )
    assert len(logs) - len(often) == 1


def test_old_clips_cost_a_fifth_in_the_archive() -> None:
    """What the page says of the lifecycle rules, for clips that are kept for a year."""
    always_hot = Prices(cool_gb=Prices().hot_gb, archive_gb=Prices().hot_gb)
    old = Use(months_kept=12)
    tiered = month(old, Prices())["clips at rest"]
    hot = month(old, always_hot)["clips at rest"]
    assert tiered < hot * 0.3
    newer = Use(months_kept=3)
    last_nine = tiered - month(newer, Prices())["clips at rest"]
    assert last_nine < (hot - month(newer, always_hot)["clips at rest"]) * 0.2
