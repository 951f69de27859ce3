"""The hooks of azd and the scripts for Entra, against stand-ins that answer as real programs do."""

import json
from pathlib import Path

import pytest

from tests.infra.hooks import Answers, Deployer

SUBSCRIPTION = "00000000-0000-0000-0000-00000000000b"
TENANT = "00000000-0000-0000-0000-00000000000a"
AUDIENCE = "00000000-0000-0000-0000-0000000000dd"

ENVIRONMENT = {
    "AZURE_ENV_NAME": "test",
    "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
    "AZURE_TENANT_ID": TENANT,
    "AZURE_LOCATION": "westeurope",
    "AUTH_AUDIENCE": AUDIENCE,
}
# What the outputs of the template and the preprovision hook add.
PROVISIONED = ENVIRONMENT | {
    "AZURE_RESOURCE_GROUP": "rg-test",
    "AZURE_FUNCTION_APP_NAME": "func-test",
    "API_URL": "https://func-test.azurewebsites.net/api",
    "CLIPS_STORAGE_NAME": "clipstest",
    "EVENTS_TOPIC_NAME": "evgt-test",
    "CONTAINER_PREFIX": "cliplink",
    "DATABASE_HOST": "psql-test.postgres.database.azure.com",
    "DATABASE_SERVER_NAME": "psql-test",
    "DATABASE_NAME": "cliplink",
    "DATABASE_ADMINISTRATOR_NAME": "ada#ext#@example.com",
    "APP_IDENTITY_NAME": "id-test",
    "APP_IDENTITY_PRINCIPAL_ID": "00000000-0000-0000-0000-0000000000ee",
}
PROVIDERS = """Microsoft.Authorization
Microsoft.EventGrid
microsoft.insights
Microsoft.ManagedIdentity
Microsoft.OperationalInsights
Microsoft.DBforPostgreSQL
Microsoft.Storage
Microsoft.Web
"""
# Of a subscription that is ready, and a person who owns it.
READY: Answers = {
    "az version": ("2.91.0\n", 0),
    "az account show --query user.type": ("user\n", 0),
    f"az account show --subscription {SUBSCRIPTION} --query user.name": ("ada@example.com\n", 0),
    "az account show": (f"{TENANT}\n", 0),
    "az ad signed-in-user show --query id": ("00000000-0000-0000-0000-0000000000aa\n", 0),
    "az ad signed-in-user show": ("ada@example.com\n", 0),
    "az role assignment list": ("Reader\nOwner\n", 0),
    "az provider list": (PROVIDERS, 0),
    "az functionapp list-flexconsumption-locations": ("northeurope\nwesteurope\n", 0),
    "az postgres flexible-server list-skus": ("Standard_B1ms\nStandard_B2s\n", 0),
    "az storage account show-usage": ("12\n250\n", 0),
    "azd env config get": ("", 1),
}


@pytest.fixture
def deployer(tmp_path: Path) -> Deployer:
    return Deployer(tmp_path, dict(READY), dict(ENVIRONMENT))


# --- Before anything is created


def test_ready_subscription_passes_and_its_administrator_is_saved(deployer: Deployer) -> None:
    done = deployer.run("hooks/preprovision.sh")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("ok: preflight")
    noted = dict(call.split(" ")[3:5] for call in deployer.calls("azd env set "))
    assert noted.pop("BUDGET_START").endswith("-01")
    assert noted == {
        "DATABASE_ADMINISTRATOR_TYPE": "User",
        "DATABASE_ADMINISTRATOR_ID": "00000000-0000-0000-0000-0000000000aa",
        "DATABASE_ADMINISTRATOR_NAME": "ada@example.com",
    }
    assert not deployer.calls("az provider register")


def test_second_run_changes_nothing(deployer: Deployer) -> None:
    deployer.variables |= {"DATABASE_ADMINISTRATOR_ID": "x", "BUDGET_START": "2026-01-01"}
    assert deployer.run("hooks/preprovision.sh").returncode == 0
    assert deployer.calls("azd env set") == []


def test_pipeline_is_saved_as_an_application(deployer: Deployer) -> None:
    deployer.answers |= {
        "az account show --query user.type": ("servicePrincipal\n", 0),
        "az account show --query user.name": ("the-app-id\n", 0),
        "az ad sp show --id the-app-id --query id": ("the-object-id\n", 0),
        "az ad sp show --id the-app-id --query displayName": ("deployer\n", 0),
    }
    assert deployer.run("hooks/preprovision.sh").returncode == 0
    assert deployer.calls("azd env set DATABASE")[0].endswith("TYPE ServicePrincipal")
    assert deployer.calls("azd env set DATABASE")[2].endswith("NAME deployer")


@pytest.mark.parametrize(
    ("variables", "answers", "problem", "command"),
    [
        ({}, {"az version": ("2.60.0", 0)}, "which is too old", "az upgrade"),
        ({}, {"azd auth login": ("", 1)}, "azd is not signed in", "azd auth login"),
        ({}, {"az account show": ("", 1)}, "az is not signed in", "az login"),
        (
            {},
            {f"az account show --subscription {SUBSCRIPTION} --query tenantId": ("", 1)},
            "has no access to the subscription",
            f"az login --tenant {TENANT}",
        ),
        ({"AZURE_TENANT_ID": "other"}, {}, "azd to other", "az login --tenant other"),
        ({"AZURE_LOCATION": ""}, {}, "no region is chosen", "azd env set AZURE_LOCATION"),
        ({"AUTH_AUDIENCE": ""}, {}, "no audience", "sh infra/entra/register-app.sh"),
        (
            {"AUTH_AUDIENCE": "api://cliplink"},
            {},
            "Entra issues no token for the audience api://cliplink",
            "sh infra/entra/register-app.sh",
        ),
        (
            {},
            {"az role assignment list": ("Contributor\nStorage Blob Data Owner\n", 0)},
            "ada@example.com may not create resources and assign roles",
            f"sh infra/entra/allow-deployer.sh ada@example.com {SUBSCRIPTION}",
        ),
        (
            {"PRIVATE_NETWORK": "true"},
            {"az provider register --namespace Microsoft.App": ("", 1)},
            "Microsoft.App is not registered",
            "az provider register --namespace Microsoft.App --wait",
        ),
        ({"AZURE_LOCATION": "westus"}, {}, "does not offer Functions on Flex", "northeurope"),
        ({"DATABASE_SKU": "Standard_D2ds_v5"}, {}, "of size Standard_D2ds_v5", "DATABASE_SKU"),
        (
            {},
            {"az postgres flexible-server list-skus": ("", 0)},
            "of size Standard_B1ms is not offered",
            "azd env set AZURE_LOCATION",
        ),
        (
            {},
            {"az postgres flexible-server list-skus": ("", 1)},
            "Postgres is not offered to this subscription in westeurope",
            "azd env set AZURE_LOCATION",
        ),
        ({}, {"az storage account show-usage": ("248\n250\n", 0)}, "room for 2 more", "quota"),
        (
            {"USE_VAULT": "true"},
            {"az keyvault list-deleted": ("kv-test\n", 0)},
            "the vault kv-test of this environment was deleted",
            "az keyvault recover --name kv-test",
        ),
    ],
)
def test_problem_stops_before_anything_is_created(
    deployer: Deployer, variables: dict[str, str], answers: Answers, problem: str, command: str
) -> None:
    deployer.variables |= variables
    deployer.answers |= answers
    if answers.get("az account show"):
        deployer.answers |= {k: ("", 1) for k in deployer.answers if k.startswith("az account")}
    done = deployer.run("hooks/preprovision.sh")
    assert done.returncode == 1
    assert problem in done.stderr
    assert command in done.stderr.partition(problem)[2]
    assert deployer.calls("azd env set") == []


def test_every_problem_is_named_at_once(deployer: Deployer) -> None:
    deployer.variables |= {"AUTH_AUDIENCE": "api://cliplink", "AZURE_LOCATION": "westus"}
    deployer.answers |= {
        "az role assignment list": ("Reader\n", 0),
        "az postgres flexible-server list-skus": ("", 1),
    }
    done = deployer.run("hooks/preprovision.sh")
    assert done.stderr.count("\nproblem: ") == 4
    assert "\n4 problem(s); nothing was created." in done.stderr


def test_failed_lookup_is_a_warning(deployer: Deployer) -> None:
    """An application may not read the directory; it may deploy all the same."""
    deployer.answers |= {
        "az role assignment list": ("", 1),
        "az functionapp list-flexconsumption-locations": ("", 1),
    }
    done = deployer.run("hooks/preprovision.sh")
    assert done.returncode == 0
    assert done.stderr.count("\nwarning: ") == 2


def test_providers_of_the_chosen_parts_are_registered(deployer: Deployer) -> None:
    deployer.variables |= {"PRIVATE_NETWORK": "true", "FRONT_DOOR": "true", "BUDGET_AMOUNT": "50"}
    assert deployer.run("hooks/preprovision.sh").returncode == 0
    registered = {call.split(" ")[4] for call in deployer.calls("az provider register")}
    parts = ("App", "Network", "Cdn", "Consumption")
    assert registered == {f"Microsoft.{name}" for name in parts}


def test_answer_to_azds_question_is_used(deployer: Deployer) -> None:
    """It is kept in the configuration of azd, not among the variables."""
    deployer.variables["AUTH_AUDIENCE"] = ""
    deployer.answers["azd env config get"] = (f'"{AUDIENCE}"\n', 0)
    assert deployer.run("hooks/preprovision.sh").returncode == 0
    assert deployer.calls("azd env config get") == [
        "azd env config get infra.parameters.authAudience"
    ]


def test_another_issuer_may_have_any_audience(deployer: Deployer) -> None:
    deployer.variables |= {"AUTH_AUDIENCE": "cliplink", "AUTH_ISSUER": "https://issuer.example.com"}
    assert deployer.run("hooks/preprovision.sh").returncode == 0


def test_preflight_can_be_skipped(deployer: Deployer) -> None:
    deployer.variables |= {"PREFLIGHT": "false", "AUTH_AUDIENCE": "api://cliplink"}
    assert deployer.run("hooks/preprovision.sh").returncode == 0
    assert not deployer.calls("az provider")


# --- Before new code goes out

RULE = "az postgres flexible-server firewall-rule create"


def addresses(deployer: Deployer) -> list[str]:
    """Those that the firewall was opened to, in order."""
    return [call.partition("--start-ip-address ")[2].split()[0] for call in deployer.calls(RULE)]


@pytest.fixture
def provisioned(tmp_path: Path) -> Deployer:
    answers: Answers = {
        "curl": ("198.51.100.7", 0),
        "az functionapp keys list": ("the-key\n", 0),
        "az account get-access-token": ("the-token\n", 0),
    }
    return Deployer(tmp_path, answers, dict(PROVISIONED))


def test_database_is_opened_to_this_machine_while_it_is_prepared(provisioned: Deployer) -> None:
    assert provisioned.run("hooks/predeploy.sh").returncode == 0
    assert addresses(provisioned) == ["198.51.100.7", "192.0.2.1"]
    (call,) = provisioned.calls("python -m infra.prepare_database")
    assert "--url postgresql://ada%23ext%23%40example.com@psql-test." in call
    timeout = int(call.partition("--timeout ")[2].split()[0])
    assert timeout > 5 * 60  # "as much as a five-minute delay"


def test_database_that_refuses_closes_its_firewall_again(provisioned: Deployer) -> None:
    provisioned.answers["python -m infra.prepare_database"] = ("", 1)
    done = provisioned.run("hooks/predeploy.sh")
    assert done.returncode == 1
    assert "azd deploy" in done.stderr
    assert addresses(provisioned) == ["198.51.100.7", "192.0.2.1"]


def test_private_database_is_not_opened(provisioned: Deployer) -> None:
    provisioned.variables["PRIVATE_NETWORK"] = "true"
    assert provisioned.run("hooks/predeploy.sh").returncode == 0
    assert addresses(provisioned) == []
    provisioned.answers["python -m infra.prepare_database"] = ("", 1)
    assert "run azd deploy inside it" in provisioned.run("hooks/predeploy.sh").stderr


def test_address_of_a_proxy_can_be_given(provisioned: Deployer) -> None:
    provisioned.variables["DEPLOYER_ADDRESS"] = "203.0.113.9"
    assert provisioned.run("hooks/predeploy.sh").returncode == 0
    assert addresses(provisioned)[0] == "203.0.113.9"
    assert not provisioned.calls("curl")


# --- After new code is out


def test_hook_subscribes_to_events_and_smoke_tests_the_app(provisioned: Deployer) -> None:
    done = provisioned.run("hooks/postdeploy.sh")
    assert (done.returncode, done.stderr) == (0, "")
    parameters = json.loads((provisioned.folder / "stdin").read_text())["parameters"]
    assert parameters["blobsExtensionKey"] == {"value": "the-key"}
    (smoke,) = provisioned.calls("python -m infra.smoke")
    assert smoke.startswith(f"python -m infra.smoke {PROVISIONED['API_URL']} ")
    assert not [call for call in provisioned.calls("") if "the-key" in call or "the-token" in call]


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"AUTH_AUDIENCE": ""},
        {"AUTH_ISSUER": "https://issuer.example.com"},
    ],
)
def test_deployment_without_a_token_succeeds_with_a_hint(
    provisioned: Deployer, variables: dict[str, str]
) -> None:
    provisioned.variables |= variables
    provisioned.answers["az account get-access-token"] = ("", 1)
    done = provisioned.run("hooks/postdeploy.sh")
    assert done.returncode == 0
    assert "warning: the app is deployed, but not tested" in done.stderr
    assert "azd hooks run postdeploy" in done.stderr
    assert not provisioned.calls("python -m infra.smoke")


def test_app_that_fails_the_smoke_test_fails_the_deployment(provisioned: Deployer) -> None:
    provisioned.answers["python -m infra.smoke"] = ("", 1)
    assert provisioned.run("hooks/postdeploy.sh").returncode == 1


def test_hook_waits_for_the_key_of_the_app_and_then_names_the_app(provisioned: Deployer) -> None:
    provisioned.answers["az functionapp keys list"] = ("", 0)
    done = provisioned.run("hooks/postdeploy.sh")
    assert done.returncode == 1
    assert "az webapp log tail --name func-test" in done.stderr
    assert len(provisioned.calls("sleep 10")) == 29


# --- Entra


def test_api_is_registered_and_its_audience_printed(deployer: Deployer) -> None:
    deployer.answers = {
        "az ad app create": (f"{AUDIENCE}\n", 0),
        "az ad sp show": ("", 1),
        f"az ad app show --id {AUDIENCE} --query id": ("the-object\n", 0),
    }
    done = deployer.run("entra/register-app.sh")
    assert done.stdout == f"azd env set AUTH_AUDIENCE {AUDIENCE}\n"
    first, second = deployer.calls("az rest --method PATCH")
    body = json.loads(first.partition("--body ")[2])
    assert body["api"]["requestedAccessTokenVersion"] == 2
    (scope,) = body["api"]["oauth2PermissionScopes"]
    allowed = json.loads(second.partition("--body ")[2])["api"]["preAuthorizedApplications"]
    assert allowed[0]["delegatedPermissionIds"] == [scope["id"]]


def test_api_that_is_registered_keeps_its_scope(deployer: Deployer) -> None:
    deployer.answers = {
        "az ad app list": (f"{AUDIENCE}\n", 0),
        f"az ad app show --id {AUDIENCE} --query id": ("the-object\n", 0),
        "az ad app show": ("the-scope\n", 0),
    }
    done = deployer.run("entra/register-app.sh", "films")
    assert done.stdout == f"azd env set AUTH_AUDIENCE {AUDIENCE}\n"
    (call,) = deployer.calls("az rest --method PATCH")
    assert "the-scope" in call
    assert not deployer.calls("az ad app create")


def test_missing_right_is_named(deployer: Deployer) -> None:
    deployer.answers = {"az ad app create": ("", 1)}
    done = deployer.run("entra/register-app.sh", "films")
    assert done.returncode == 1
    assert "sh infra/entra/register-app.sh films" in done.stderr


def test_deployer_gets_a_bounded_right(deployer: Deployer) -> None:
    assert deployer.run("entra/allow-deployer.sh", "bob@example.com", SUBSCRIPTION).returncode == 0
    (call,) = deployer.calls("az role assignment create")
    assert f"--scope /subscriptions/{SUBSCRIPTION}" in call
    assert "--condition-version 2.0" in call
    assert call.count("(") == call.count(")")
    assert "roleAssignments/write" in call
    assert "roleAssignments/delete" in call
