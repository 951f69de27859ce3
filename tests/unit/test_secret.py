"""A secret from a vault: kept for a while, read again when it is old or was refused."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from shared.settings.secret import Fixed, Part, Rotating, VaultUnavailable
from tests.at_once import at_once
from tests.conftest import SetClock

JUST_UNDER_TEN_MINUTES = timedelta(minutes=10, microseconds=-1)


@dataclass
class Keeper:
    """A vault with one secret, which may be unreachable."""

    value: str | None = "first"
    is_away: bool = False
    asked: list[str] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    def get(self, name: str, *, patient: bool = False) -> str | None:
        assert not patient, "there is a value to go on with"
        self.asked.append(name)
        self.meanwhile()
        if self.is_away:
            raise VaultUnavailable("does not answer")
        return self.value


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
def secret(keeper: Keeper, clock: SetClock) -> Rotating:
    return Rotating("PASSWORD", "first", keeper, no_digits, clock)


def no_digits(value: str) -> str | None:
    return "has a digit" if any(c.isdigit() for c in value) else None


def test_fixed_secret_has_no_replacement() -> None:
    assert Fixed("hush").current() == "hush"
    assert Fixed("hush").replacement_for("hush") is None
    assert Fixed("hush").replacement_for("an older one") == "hush"


def test_repr_hides_secrets(secret: Rotating) -> None:
    assert "hush" not in repr(Fixed("hush"))
    assert "first" not in repr(secret)


def test_value_is_kept_for_ten_minutes(secret: Rotating, keeper: Keeper, clock: SetClock) -> None:
    keeper.value = "second"
    clock.now += JUST_UNDER_TEN_MINUTES
    assert {secret.current() for _ in range(100)} == {"first"}
    assert keeper.asked == []


def test_old_value_is_read_again_once(secret: Rotating, keeper: Keeper, clock: SetClock) -> None:
    keeper.value = "second"
    clock.advance(minutes=10)
    assert {secret.current() for _ in range(100)} == {"second"}
    assert keeper.asked == ["PASSWORD"]
    clock.now += JUST_UNDER_TEN_MINUTES
    secret.current()
    assert len(keeper.asked) == 1
    clock.advance(minutes=10)
    secret.current()
    assert len(keeper.asked) == 2


def test_refused_value_is_read_again_at_once(secret: Rotating, keeper: Keeper) -> None:
    keeper.value = "second"
    assert secret.replacement_for("first") == "second"
    assert secret.current() == "second"
    assert keeper.asked == ["PASSWORD"]


def test_caller_refused_with_an_older_value_gets_the_current_one(
    secret: Rotating, keeper: Keeper
) -> None:
    keeper.value = "second"
    secret.replacement_for("first")
    assert secret.replacement_for("first") == "second"
    assert len(keeper.asked) == 1


def test_unchanged_refused_value_is_not_tried_again(secret: Rotating, keeper: Keeper) -> None:
    assert secret.replacement_for("first") is None
    assert secret.current() == "first"
    assert keeper.asked == ["PASSWORD"]


def test_refusals_do_not_flood_the_vault(secret: Rotating, keeper: Keeper, clock: SetClock) -> None:
    for _ in range(100):
        assert secret.replacement_for("first") is None
    assert len(keeper.asked) == 1
    clock.advance(seconds=9.9)
    keeper.value = "second"
    assert secret.replacement_for("first") is None
    assert len(keeper.asked) == 1
    clock.advance(seconds=0.1)
    assert secret.replacement_for("first") == "second"


def test_last_known_value_is_used_while_the_vault_is_away(
    secret: Rotating, keeper: Keeper, clock: SetClock
) -> None:
    """Only one call in a minute waits for a vault that may be slow to fail."""
    keeper.is_away = True
    clock.advance(minutes=10)
    assert {secret.current() for _ in range(100)} == {"first"}
    assert len(keeper.asked) == 1
    clock.advance(seconds=59)
    secret.current()
    assert len(keeper.asked) == 1
    clock.advance(seconds=1)
    keeper.is_away, keeper.value = False, "second"
    assert secret.current() == "second"
    assert len(keeper.asked) == 2


def test_refused_value_has_no_replacement_while_the_vault_is_unreachable(
    secret: Rotating, keeper: Keeper, clock: SetClock
) -> None:
    keeper.is_away = True
    assert secret.replacement_for("first") is None
    assert secret.current() == "first"
    keeper.is_away, keeper.value = False, "second"
    clock.advance(seconds=10)
    assert secret.replacement_for("first") == "second"


@pytest.mark.parametrize("unusable", [None, "s3cond"])
def test_absent_or_malformed_value_does_not_replace_a_good_one(
    secret: Rotating,
    keeper: Keeper,
    clock: SetClock,
    unusable: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The start would refuse it, but a running app keeps the last good value."""
    keeper.value = unusable
    assert secret.replacement_for("first") is None
    clock.advance(minutes=10)
    assert secret.current() == "first"
    assert len(keeper.asked) == 2
    (said, _) = [record.getMessage() for record in caplog.records]
    assert said.startswith("The old value of PASSWORD is used: the value in the vault ")


def test_log_names_the_setting_and_shows_no_value(
    secret: Rotating, keeper: Keeper, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    keeper.value = "second"
    secret.replacement_for("first")
    clock.advance(minutes=10)
    keeper.value = "th1rd"
    secret.current()
    clock.advance(minutes=10)
    keeper.is_away = True
    secret.current()
    assert len(caplog.records) == 3
    assert caplog.text.count("PASSWORD") == 3
    for value in ("first", "second", "th1rd"):
        assert value not in caplog.text


def test_one_thread_reads_an_old_value_while_the_others_go_on(
    secret: Rotating, keeper: Keeper, clock: SetClock
) -> None:
    reading, read = threading.Event(), threading.Event()

    def meanwhile() -> None:
        reading.set()
        assert read.wait(timeout=30)

    keeper.value, keeper.meanwhile = "second", meanwhile
    clock.advance(minutes=10)
    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(secret.current)
        try:
            assert reading.wait(timeout=30)
            assert secret.current() == "first"
        finally:
            read.set()
        assert reader.result() == "second"
    assert len(keeper.asked) == 1


def test_all_refused_callers_wait_for_one_reading(secret: Rotating, keeper: Keeper) -> None:
    keeper.value = "second"
    assert at_once(8, lambda: secret.replacement_for("first")) == ["second"] * 8
    assert len(keeper.asked) == 1


def test_part_of_a_secret_changes_with_the_secret(keeper: Keeper, clock: SetClock) -> None:
    taken: list[str] = []

    def last_word(text: str) -> str:
        taken.append(text)
        return text.rsplit(maxsplit=1)[-1]

    whole = Rotating("WORDS", "the first", keeper, no_digits, clock)
    part = Part(whole, last_word)
    assert {part.current() for _ in range(1000)} == {"first"}
    assert taken == ["the first"]
    keeper.value = "the second"
    assert part.replacement_for("first") == "second"
    assert part.current() == "second"
    assert part.replacement_for("first") == "second"
    assert keeper.asked == ["WORDS"]


def test_unchanged_part_is_no_new_value(keeper: Keeper, clock: SetClock) -> None:
    """A connection string may change in another place than its key."""
    part = Part(Rotating("WORDS", "a first", keeper, no_digits, clock), lambda text: text[2:])
    keeper.value = "b first"
    assert part.replacement_for("first") is None
    assert part.current() == "first"


def test_part_of_a_fixed_secret_stays() -> None:
    part = Part(Fixed("a first"), lambda text: text[2:])
    assert part.replacement_for("first") is None
