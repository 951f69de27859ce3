"""Queue triggers and queue outputs through the real host."""

import json

from local.host import child
from tests.local.sample import Sample, request, wait_until


def test_message_runs_its_function_and_its_output_is_sent(
    shared_host: child.Host, shared_sample: Sample
) -> None:
    """`$return` is bound to another queue."""
    del shared_host
    shared_sample.send("hello")
    (call,) = shared_sample.wait_for_calls(1, "take_message", content="hello")
    assert call["dequeue_count"] == 1
    wait_until(lambda: "done hello" in shared_sample.messages("shared-done"), "the output")
    # Deleted when done: nothing is left, hidden or not.
    queue = shared_sample.queue()
    wait_until(
        lambda: queue.get_queue_properties().approximate_message_count == 0, "an empty queue"
    )


def test_http_function_sends_a_message(shared_host: child.Host, shared_sample: Sample) -> None:
    """func.Out of an HTTP function; the trigger on that queue is woken."""
    assert request(shared_host, "POST", "/api/send", b"from http").status == 202
    shared_sample.wait_for_calls(1, "take_message", content="from http")


def test_message_is_poison_after_max_dequeue_count(
    shared_host: child.Host, shared_sample: Sample
) -> None:
    """host.json says three; the poison queue is named after the queue."""
    del shared_host
    shared_sample.send("fail this")
    wait_until(lambda: "fail this" in shared_sample.messages("shared-poison"), "a poison message")
    calls = shared_sample.calls("take_message", content="fail this")
    assert [call["dequeue_count"] for call in calls] == [1, 2, 3]


def test_text_that_is_not_base64_is_poison(shared_host: child.Host, shared_sample: Sample) -> None:
    """The message is kept as it is, and no function sees it."""
    del shared_host
    shared_sample.queue().send_message("no base64!")
    queue = shared_sample.queue("shared-poison")
    wait_until(
        lambda: "no base64!" in [m.content for m in queue.peek_messages(max_messages=32)],
        "the message in the poison queue",
    )
    queue.clear_messages()


def test_base64_of_binary_data_is_tried_before_it_is_poison(
    shared_host: child.Host, shared_sample: Sample
) -> None:
    """It is tried as often as any other message, though its function is never called."""
    del shared_host
    shared_sample.queue().send_message("/////w==")
    queue = shared_sample.queue("shared-poison")
    wait_until(
        lambda: "/////w==" in [m.content for m in queue.peek_messages(max_messages=32)],
        "the message in the poison queue",
    )
    assert shared_sample.log.count("UnicodeDecodeError") >= 3


def test_message_is_run_by_hand(shared_host: child.Host, shared_sample: Sample) -> None:
    """The input is the text of the message."""
    body = json.dumps({"input": "typed in"}).encode()
    answer = request(shared_host, "POST", "/admin/functions/take_message", body)
    assert answer.status == 202
    shared_sample.wait_for_calls(1, "take_message", content="typed in")


def test_stopping_host_lets_functions_finish(sample: Sample) -> None:
    """What runs is finished and settled, nothing new is begun."""
    sample.send("slow one")
    with sample.running() as host:
        sample.wait_for_calls(1, "take_message", content="slow one")
        host.child.process.terminate()
        sample.release()
        assert host.child.process.wait(20) == 0
    assert "done slow one" in sample.messages(f"{sample.name}-done")
    assert sample.queue().get_queue_properties().approximate_message_count == 0
