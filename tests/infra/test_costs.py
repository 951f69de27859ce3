"""The page on costs shows what its program says."""

import pytest

from infra.cost import SIZES, Prices, Use, main, month, table
from tests.docs.pages import page
from tests.infra.snapshots import of_type, one

COSTS = page("docs/costs.md")
SHOWN = {
    "small and idle": Use(clips=0),
    "standard and idle": Use(size="standard", clips=0),
    "a small one": Use(clips=1_000, months_kept=3),
    "a service": Use(size="standard"),
    "a large one": Use(size="standard", clips=100_000),
}


@pytest.mark.parametrize("use", SHOWN.values(), ids=SHOWN.keys())
def test_tables_equal_the_output_of_the_program(use: Use) -> None:
    assert table(month(use, Prices())) in COSTS.text


def test_idle_service_is_cheap_by_default() -> None:
    assert sum(month(SHOWN["small and idle"], Prices()).values()) < 20


def test_program_accepts_every_choice(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--clips", "1000", "--no-archive", "--front-door", "--private-network"])
    printed = capsys.readouterr().out
    assert "| Front Door | 35.00 |" in printed
    assert "| private endpoints | 43.80 |" in printed
    main(["--size", "standard", "--ready-blob", "2"])
    assert "| instances that wait | 42.05 |" in capsys.readouterr().out


@pytest.mark.parametrize("name", SIZES)
def test_counted_resources_are_the_deployed_ones(name: str) -> None:
    metrics = of_type(name, "Microsoft.Insights/metricAlerts")
    logs = of_type(name, "Microsoft.Insights/scheduledQueryRules")
    often = [each for each in logs if each.properties["evaluationFrequency"] == "PT5M"]
    size = SIZES[name]
    assert size.metric_alerts == len(metrics)
    assert size.log_alerts_every_5_minutes == len(often)
    assert size.log_alerts_every_15_minutes == len(logs) - len(often)
    line = f"{name}: {len(metrics)} on metrics, {len(often)} on logs every 5 minutes"
    assert f"{line}, {len(logs) - len(often)} every 15" in COSTS.text
    config = one(name, "Microsoft.Web/sites").properties["functionAppConfig"]
    ready = config["scaleAndConcurrency"]["alwaysReady"]
    assert size.ready_blob == sum(each["instanceCount"] for each in ready)


def test_every_private_endpoint_is_counted() -> None:
    endpoints = of_type("private", "Microsoft.Network/privateEndpoints")
    assert month(Use(private_network=True), Prices())["private endpoints"] == pytest.approx(
        len(endpoints) * Prices().private_endpoint
    )


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
