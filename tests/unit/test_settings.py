"""Settings: every one is read and checked, and all problems are reported at once."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from shared import settings
from shared.settings import Settings, SettingsError, from_mapping
from shared.settings.secret import Fixed

ROOT = Path(__file__).parents[2]
KEY = "c2VjcmV0"
CONNECTION_STRING = (
    "DefaultEndpointsProtocol=https;AccountName=clips;"
    f"AccountKey={KEY};EndpointSuffix=core.windows.net"
)
COMPLETE = {
    "AZURE_STORAGE_CONNECTION_STRING": CONNECTION_STRING,
    "DATABASE_URL": "postgresql://cliplink@db.example.org/cliplink",
    "AUTH_ISSUER": "https://login.example.org/tenant/v2.0",
    "AUTH_AUDIENCE": "api://cliplink",
    "AUTH_JWKS_URL": "https://login.example.org/tenant/keys",
}


def read(**changes: str) -> Settings:
    return from_mapping(COMPLETE | changes)


def problems(**changes: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read(**changes)
    return caught.value.problems


def test_required_settings_are_enough() -> None:
    found = read()
    assert found.storage.connection_string == Fixed(CONNECTION_STRING)
    assert found.database_url.current() == "postgresql://cliplink@db.example.org/cliplink"
    assert found.auth.issuer == "https://login.example.org/tenant/v2.0"
    assert found.auth.audience == "api://cliplink"
    assert found.auth.jwks_url == "https://login.example.org/tenant/keys"
    assert found.container_prefix == "cliplink"
    assert found.temp_dir == Path(tempfile.gettempdir()) / "cliplink"
    assert found.cleanup_schedule == "0 */5 * * * *"
    assert found.blob_trigger_source == "EventGrid"
    assert found.cdn_endpoint is None
    assert found.migration_root is None


def test_optional_settings_can_be_set() -> None:
    found = read(
        AZURE_STORAGE_CONTAINER_NAME="my-clips",
        TEMP_DIR="/var/cliplink/temp",
        CLEANUP_SCHEDULE="30 0 3 * * 1-5",
        BLOB_TRIGGER_SOURCE="LogsAndContainerScan",
        CDN_ENDPOINT="https://media.example.org",
        MIGRATION_ROOT="/mnt/not-mounted-yet",
    )
    assert found.migration_root == Path("/mnt/not-mounted-yet")
    assert found.container_prefix == "my-clips"
    assert found.temp_dir == Path("/var/cliplink/temp")
    assert found.cleanup_schedule == "30 0 3 * * 1-5"
    assert found.blob_trigger_source == "LogsAndContainerScan"
    assert found.cdn_endpoint == "https://media.example.org"


def test_every_problem_is_reported_at_once_and_by_name() -> None:
    wrong = {
        "AZURE_STORAGE_CONNECTION_STRING": "rubbish",
        "AZURE_STORAGE_ACCOUNT_NAME": "No!",
        "AZURE_STORAGE_ACCOUNT_KEY": "***",
        "AZURE_STORAGE_BLOB_ENDPOINT": "ftp://storage",
        "AZURE_STORAGE_CONTAINER_NAME": "Big Letters",
        "DATABASE_URL": "mysql://db",
        "AUTH_ISSUER": "issuer",
        "AUTH_JWKS_URL": "http://login.example.org/keys",
        "TEMP_DIR": "relative",
        "CLEANUP_SCHEDULE": "sometimes",
        "BLOB_TRIGGER_SOURCE": "Pigeons",
        "CDN_ENDPOINT": "media.example.org",
        "MIGRATION_ROOT": "clips",
    }
    with pytest.raises(SettingsError) as caught:
        from_mapping(wrong)
    named = [problem.split(" ")[0] for problem in caught.value.problems]
    assert sorted(named) == sorted([*wrong, "AUTH_AUDIENCE"])
    for name in named:
        assert name in str(caught.value)


@pytest.mark.parametrize("nothing", ["", " ", "\t\n"])
def test_empty_means_absent(nothing: str) -> None:
    names = [
        "AZURE_STORAGE_CONNECTION_STRING",
        "AZURE_STORAGE_ACCOUNT_NAME",
        "DATABASE_URL",
        "AUTH_ISSUER",
        "AUTH_AUDIENCE",
        "AUTH_JWKS_URL",
        "AZURE_STORAGE_CONTAINER_NAME",
        "TEMP_DIR",
        "CLEANUP_SCHEDULE",
        "BLOB_TRIGGER_SOURCE",
        "MIGRATION_ROOT",
    ]
    with pytest.raises(SettingsError) as of_nothing:
        from_mapping(dict.fromkeys(names, nothing))
    with pytest.raises(SettingsError) as of_absent:
        from_mapping({})
    assert of_nothing.value.problems == of_absent.value.problems
    assert len(of_absent.value.problems) == 5


def test_values_are_stripped_of_surrounding_space() -> None:
    assert read(AUTH_AUDIENCE=" cliplink\n").auth.audience == "cliplink"


def test_value_is_not_repeated_in_its_problem() -> None:
    secret = "AccountName=clips;AccountKey=very-secret!"
    (problem,) = problems(AZURE_STORAGE_CONNECTION_STRING=secret)
    assert "very-secret" not in problem


def test_connection_string_overrides_name_and_key() -> None:
    storage = read(AZURE_STORAGE_ACCOUNT_NAME="other", AZURE_STORAGE_ACCOUNT_KEY=KEY).storage
    assert storage.connection_string == Fixed(CONNECTION_STRING)
    assert storage.trigger_connection == "AZURE_STORAGE_CONNECTION_STRING"


def test_name_and_a_key_do_without_a_connection_string() -> None:
    storage = read(
        AZURE_STORAGE_CONNECTION_STRING="",
        AZURE_STORAGE_ACCOUNT_NAME="clips",
        AZURE_STORAGE_ACCOUNT_KEY=KEY,
    ).storage
    assert (storage.connection_string, storage.account_name, storage.account_key) == (
        None,
        "clips",
        Fixed(KEY),
    )
    assert storage.trigger_connection == "AZURE_STORAGE"


def test_account_name_alone_selects_the_identity() -> None:
    storage = read(
        AZURE_STORAGE_CONNECTION_STRING="",
        AZURE_STORAGE_ACCOUNT_NAME="clips",
        AZURE_STORAGE_BLOB_ENDPOINT="https://clips.example.org",
    ).storage
    assert (storage.account_name, storage.account_key) == ("clips", None)
    assert storage.endpoint == "https://clips.example.org"
    assert storage.trigger_connection == "AZURE_STORAGE"


def test_key_without_a_name_is_refused() -> None:
    (problem,) = problems(AZURE_STORAGE_CONNECTION_STRING="", AZURE_STORAGE_ACCOUNT_KEY=KEY)
    assert "AZURE_STORAGE_ACCOUNT_NAME" in problem
    assert "AZURE_STORAGE_CONNECTION_STRING" in problem


@pytest.mark.parametrize(
    "value",
    [
        "rubbish",
        "UseDevelopmentStorage=true",
        "AccountName=clips",
        f"AccountKey={KEY}",
        f"AccountName=;AccountKey={KEY}",
        "AccountName=clips;AccountKey=",
        "AccountName=clips;AccountKey=no base64",
        "BlobEndpoint=https://clips.blob.core.windows.net;SharedAccessSignature=sv=1&sig=2",
        f"AccountName=clips;;AccountKey={KEY}",
    ],
)
def test_connection_string_needs_a_name_and_a_real_key(value: str) -> None:
    (problem,) = problems(AZURE_STORAGE_CONNECTION_STRING=value)
    assert problem.startswith("AZURE_STORAGE_CONNECTION_STRING ")


def test_connection_string_may_end_with_a_semicolon() -> None:
    value = f"{CONNECTION_STRING};"
    assert read(AZURE_STORAGE_CONNECTION_STRING=value).storage.connection_string == Fixed(value)


@pytest.mark.parametrize("value", ["ab", "a" * 25, "Clips", "my-clips", "clips.blob"])
def test_account_name_is_lower_case_letters_and_digits(value: str) -> None:
    (problem,) = problems(AZURE_STORAGE_ACCOUNT_NAME=value)
    assert problem.startswith("AZURE_STORAGE_ACCOUNT_NAME ")


@pytest.mark.parametrize("value", ["-a", "a-", "a--b", "A", "a_b", "a" * 53, "a.b", "ä"])
def test_container_prefix_makes_valid_container_names(value: str) -> None:
    (problem,) = problems(AZURE_STORAGE_CONTAINER_NAME=value)
    assert problem.startswith("AZURE_STORAGE_CONTAINER_NAME ")


def test_longest_container_prefix_fits() -> None:
    assert len(read(AZURE_STORAGE_CONTAINER_NAME="a" * 52).container_prefix + "-thumbnails") == 63


@pytest.mark.parametrize("name", ["AUTH_ISSUER", "AUTH_JWKS_URL", "AZURE_STORAGE_BLOB_ENDPOINT"])
@pytest.mark.parametrize(
    "value",
    [
        "http://login.example.org/keys",
        "http://127.0.0.1.example.org",
        "http://localhost.example.org",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "ftp://login.example.org",
        "file:///etc/passwd",
        "login.example.org",
        "https://",
        "https:///keys",
        "https://[half",
        "https://login.example.org:port/",
        "https://login.example.org:99999/",
    ],
)
def test_address_is_https_and_well_formed(name: str, value: str) -> None:
    (problem,) = problems(**{name: value})
    assert problem.startswith(f"{name} ")


@pytest.mark.parametrize(
    "value",
    [
        "http://localhost:7079/jwks.json",
        "http://127.0.0.1:10000/devstoreaccount1",
        "http://[::1]:7079",
        "http://issuer.cliplink.localhost",
    ],
)
def test_plain_http_is_for_loopback(value: str) -> None:
    assert read(AUTH_ISSUER=value).auth.issuer == value


@pytest.mark.parametrize(
    "value", ["cliplink", "mysql://db/x", "host=db dbname=x", "postgresql://[half/x", "://"]
)
def test_database_url_is_a_postgres_url(value: str) -> None:
    (problem,) = problems(DATABASE_URL=value)
    assert problem.startswith("DATABASE_URL ")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_both_schemes_of_postgres_are_known(scheme: str) -> None:
    assert read(DATABASE_URL=f"{scheme}://db/x").database_url == Fixed(f"{scheme}://db/x")


def test_temporary_folder_is_an_absolute_path() -> None:
    (problem,) = problems(TEMP_DIR="cliplink/temp")
    assert problem == "TEMP_DIR must be an absolute path"


@pytest.mark.parametrize(
    "path",
    [
        Path("/"),
        Path.home(),
        Path.home().parent,
        Path(tempfile.gettempdir()),
        Path(tempfile.gettempdir()) / "x" / "..",
        ROOT,
        ROOT.parent,
    ],
    ids=str,
)
def test_temporary_folder_is_a_separate_folder(path: Path) -> None:
    """Old files in it are deleted: it must not contain a home folder or the app itself."""
    (problem,) = problems(TEMP_DIR=str(path))
    assert problem.startswith(
        ("TEMP_DIR must be a folder that only", "TEMP_DIR must not be the root")
    )


def test_link_to_a_forbidden_folder_is_forbidden_too(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(Path.home())
    assert problems(TEMP_DIR=str(tmp_path / "link"))


@pytest.mark.parametrize(
    "value",
    [
        "0 */5 * * * *",
        "30 0 3 * * 1-5",
        "0 0,30 9-17/2 1 JAN-mar mon,WED",
        "0 5/10 * * * *",
        "59 59 23 31 12 6",
        "0 0 0 29 2 *",
        "0 0 0 31 2,3 *",
        "0 10-5 * * * *",
        "0 0 0 * Au mond,su",
    ],
)
def test_schedule_is_ncrontab(value: str) -> None:
    assert read(CLEANUP_SCHEDULE=value).cleanup_schedule == value


@pytest.mark.parametrize(
    "value",
    [
        "*/5 * * * *",
        "0 0 0 * * * *",
        "often",
        "a b c d e f",
        "0 */5 * * * *;",
        "0 , * * * *",
        "0 60 * * * *",
        "0 0 24 * * *",
        "0 0 0 32 * *",
        "0 0 0 0 * *",
        "0 0 0 * 13 *",
        "0 0 0 * * 7",
        "0 0 0 * * oneday",
        "0 0 0 * * sundry",
        "0 0 0 * junes *",
        "0 0 0 L * *",
        "0 0 0 ? * *",
        "@daily",
        "0 jan 0 * * *",
        "0 1- * * * *",
        "0 */0 * * * *",
        "0 -5 * * * *",
    ],
)
def test_other_texts_are_no_schedule(value: str) -> None:
    (problem,) = problems(CLEANUP_SCHEDULE=value)
    assert problem.startswith("CLEANUP_SCHEDULE must be an NCRONTAB expression")


@pytest.mark.parametrize("value", ["0 0 0 30 2 *", "0 0 0 31 4,jun,9,11 *", "0 0 0 30-31 feb *"])
def test_schedule_that_no_moment_matches_is_refused(value: str) -> None:
    """The host would start without the cleanup, and report nothing."""
    (problem,) = problems(CLEANUP_SCHEDULE=value)
    assert problem == "CLEANUP_SCHEDULE names a day that none of its months has"


@pytest.mark.parametrize(
    ("value", "endpoint"),
    [
        ("https://media.example.org", "https://media.example.org"),
        ("https://media.example.org/", "https://media.example.org"),
        ("https://media.example.org:8443/clips/", "https://media.example.org:8443/clips"),
        ("http://cdn.localhost:8080", "http://cdn.localhost:8080"),
    ],
)
def test_cdn_address_is_a_base_for_paths(value: str, endpoint: str) -> None:
    assert read(CDN_ENDPOINT=value).cdn_endpoint == endpoint
    assert read(PUBLIC_URL=value).public_url == endpoint


@pytest.mark.parametrize(
    "value",
    [
        "media.example.org",
        "http://media.example.org",
        "https://media.example.org?a=b",
        "https://media.example.org/?",
        "https://media.example.org/#top",
        "https://user:secret@media.example.org",
        "https://media.example.org/a b",
        'https://media.example.org/"><script>',
    ],
)
def test_no_other_address_is_a_cdns(value: str) -> None:
    (problem,) = problems(CDN_ENDPOINT=value)
    assert problem.startswith("CDN_ENDPOINT must be ")
    assert "secret" not in problem


@pytest.mark.parametrize("end", ["/api", "/API/", "/suffix/api"])
def test_public_address_ends_before_api(end: str) -> None:
    """Otherwise every address that the app makes would have it twice."""
    (problem,) = problems(PUBLIC_URL=f"https://clips.example.org{end}")
    assert problem == "PUBLIC_URL must end before /api, which is added to it"


def test_trigger_source_is_one_of_two() -> None:
    (problem,) = problems(BLOB_TRIGGER_SOURCE="eventgrid")
    assert "EventGrid" in problem
    assert "LogsAndContainerScan" in problem


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AZURE_STORAGE_CONTAINER_NAME", "from-the-environment")
    assert settings.read_environment().container_prefix == "from-the-environment"


def test_migrations_need_the_database_url_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", COMPLETE["DATABASE_URL"])
    assert settings.read_database_url() == COMPLETE["DATABASE_URL"]
    monkeypatch.setenv("DATABASE_URL", "mysql://db")
    with pytest.raises(SettingsError, match="DATABASE_URL must begin"):
        settings.read_database_url()


def test_app_does_not_start_with_wrong_settings_and_names_them_all() -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AZURE", "AUTH"))}
    environment |= {"DATABASE_URL": "mysql://db", "BLOB_TRIGGER_SOURCE": "Pigeons"}
    attempt = subprocess.run(
        [sys.executable, "-c", "import function_app"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert attempt.returncode != 0
    for name in ("AZURE_STORAGE_CONNECTION_STRING", "AUTH_ISSUER", "AUTH_AUDIENCE"):
        assert f"{name} is missing" in attempt.stderr
    for name in ("AUTH_JWKS_URL", "DATABASE_URL", "BLOB_TRIGGER_SOURCE"):
        assert f"  - {name} " in attempt.stderr


@pytest.mark.parametrize("path", ["clips", "./clips", "~/clips", "/", "//", "/mnt/.."])
def test_migration_root_is_a_folder_of_its_own(path: str) -> None:
    """It is an absolute path, but not the root of the disk."""
    (problem,) = problems(MIGRATION_ROOT=path)
    assert problem.startswith(
        ("MIGRATION_ROOT must be an absolute path", "MIGRATION_ROOT must not be")
    )
