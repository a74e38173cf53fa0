"""Telling others about operations, with a real receiver."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.config.settings import NotificationEvent, NotificationFormat
from proxy.control.gates.webhook import signature
from proxy.control.notifications.courier import MOST_WAITING, Result
from proxy.traffic.audience import HoldRule
from proxy.traffic.commands import Abort, Fail, Hold, Promote, Release, StartShift, Switch
from proxy.traffic.judgement import Finding, Verdict
from proxy.traffic.shift import Step
from proxy.traffic.spec import Color
from tests.control.core import Core, until
from tests.control.gates.desk import Desk, answer, open_desk
from tests.control.notifications.conftest import SECRET, Post, target, told_at

SHIFT = StartShift("shop", Color.GREEN, 10_000, steps=(Step(1000, pause=None), Step(10_000)), judged=False)
SENTENCE = "green answers 5 % with 5xx, blue 0.1 %, over 900 requests"


async def switch(core: Core, color: Color = Color.GREEN, reason: str | None = None) -> str:
    """Switch, and wait until it is over; its id."""
    outcome = await core.controller.execute(Switch("shop", color), by="ada", reason=reason)
    assert outcome.operation is not None
    await core.controller.wait_ended(outcome.operation.id, 10)
    return outcome.operation.id


async def come(post: Post, count: int) -> None:
    """Wait until so many messages have been delivered."""
    await until(lambda: post.result(Result.DELIVERED) >= count)


async def test_a_document_tells_the_operation_as_the_api_does(post: Post, desk: Desk) -> None:
    """Event, sentence, link, the operation with its receipt, and a signature over all of it."""
    post.targets.append(target(desk.url("/hook")))
    await switch(post.core, reason="release 7")
    await come(post, 2)
    start, end = told_at(desk)
    assert (start["event"], end["event"]) == ("start", "end")
    assert start["text"] == "shop: switch to green by ada began, green 0 % to 100 %. release 7."
    assert end["text"].startswith("shop: switch to green by ada succeeded after ")
    assert end["text"].endswith(". release 7. 0 of 0 requests in flight were dropped.")
    assert end["link"] == "https://front.example/operations/op-1"
    assert (start["operation"]["state"], end["operation"]["state"]) == ("running", "succeeded")
    assert end["operation"]["receipt"]["dropped"] == 0
    assert start["id"].startswith("op-1@")
    assert start["id"] != end["id"]
    asked = desk.asked[1]
    assert asked.line == "POST /hook HTTP/1.1"
    signed = asked.fields["bluegreen-signature"]
    assert signed == signature(SECRET, asked.body, int(signed.partition(",")[0].removeprefix("t=")))


async def test_a_judges_rollback_carries_its_sentence(post: Post, desk: Desk) -> None:
    """In the end of the shift and in the rollback, told in this order."""
    post.targets.append(target(desk.url()))
    begun = await post.core.controller.execute(SHIFT, by="ada")
    assert begun.operation is not None
    await post.core.controller.execute(Promote(begun.operation.id), by="ada")
    await post.core.controller.execute(Fail(begun.operation.id, SENTENCE), by="judge", reason=SENTENCE)
    await come(post, 3)
    _, end, back = told_at(desk)[:3]
    assert (end["event"], end["operation"]["state"]) == ("end", "rolled_back")
    assert SENTENCE in end["text"]
    assert (back["event"], back["operation"]["by"]) == ("rollback", "judge")
    assert back["text"] == f"shop: rollback to blue by judge began, green 10 % to 0 %. {SENTENCE}."


async def test_the_end_of_a_good_shift_tells_what_the_judge_says(post: Post, desk: Desk) -> None:
    """In the sentence, and by itself."""
    post.targets.append(target(desk.url(), NotificationEvent.END))
    begun = await post.core.controller.execute(replace(SHIFT, steps=(Step(10_000),)), by="ada")
    assert begun.operation is not None
    post.verdicts[begun.operation.id] = Verdict(Finding.PASS, "green is no worse than blue")
    await post.core.controller.execute(Promote(begun.operation.id), by="ada")
    await come(post, 1)
    (end,) = told_at(desk)
    assert end["judge"] == "green is no worse than blue"
    assert "the judge: green is no worse than blue. 0 of 0 requests in flight were dropped; " in end["text"]


async def test_an_abort_is_told_as_a_rollback(post: Post, desk: Desk) -> None:
    """Whoever wants to hear of nothing else, hears of this."""
    post.targets.append(target(desk.url(), NotificationEvent.ROLLBACK))
    begun = await post.core.controller.execute(SHIFT, by="ada")
    assert begun.operation is not None
    await post.core.controller.execute(Promote(begun.operation.id), by="ada")
    await post.core.controller.execute(Abort(begun.operation.id), by="bob", reason="wrong build")
    await come(post, 1)
    (back,) = told_at(desk)
    assert (back["operation"]["kind"], back["operation"]["by"]) == ("rollback", "bob")


async def test_only_what_is_wanted_is_told(post: Post, desk: Desk) -> None:
    """By event and by service; who wants nothing of it gets nothing."""
    post.targets.append(target(desk.url("/starts"), NotificationEvent.START))
    post.targets.append(target(desk.url("/blog"), services=("blog",)))
    post.targets.append(target(desk.url("/all"), services=("blog", "shop")))
    await switch(post.core)
    await come(post, 3)
    paths = [asked.line.split()[1] for asked in desk.asked]
    assert sorted(paths) == ["/all", "/all", "/starts"]


async def test_a_slack_message_is_not_signed(post: Post, desk: Desk) -> None:
    """It has a text and an attachment, and no field that such receivers do not know."""
    post.targets.append(target(desk.url(), NotificationEvent.END, kind=NotificationFormat.SLACK))
    await switch(post.core, reason="<!channel> release")
    await come(post, 1)
    (told,) = told_at(desk)
    assert told["text"].startswith("shop: switch to green by ada succeeded after ")
    assert told["text"].endswith(" <https://front.example/operations/op-1|op-1>")
    assert told["attachments"][0]["fields"][0] == {"title": "Reason", "value": "&lt;!channel&gt; release"}
    assert "bluegreen-signature" not in desk.asked[0].fields


@pytest.mark.parametrize("post", [60.0], indirect=True, ids=["patient"])
async def test_it_is_tried_again_and_the_order_stays(post: Post, desk: Desk) -> None:
    """Broken servers, full ones and cut connections are asked again; nothing overtakes."""
    post.targets.append(target(desk.url()))
    again = "Retry-After: 0"
    desk.says(b"HTTP/1.1 2", answer(503, b"", again), answer(429, b"", again), answer(200))
    await switch(post.core)
    await come(post, 2)
    told = told_at(desk)
    assert [each["event"] for each in told] == ["start"] * 4 + ["end"]
    assert len({each["id"] for each in told[:4]}) == 1
    assert post.result(Result.FAILED) == 0


@pytest.mark.parametrize("status", [301, 400, 404, 410])
async def test_who_does_not_want_it_is_not_asked_again(post: Post, desk: Desk, status: int) -> None:
    """Nor is anybody followed elsewhere. The log says so without the URL, whatever was answered."""
    url = desk.url("/services/T0/hush-hush")
    post.targets.append(target(url, NotificationEvent.START))
    desk.says(answer(status, b"no such hook: /services/T0/hush-hush", "Location: http://127.0.0.1:9/"))
    await switch(post.core)
    await until(lambda: post.result(Result.FAILED) == 1)
    assert len(desk.asked) == 1
    (line,) = post.logged()
    assert (line["event"], line["target"], line["tries"]) == ("notification_lost", "json at 127.0.0.1", 1)
    assert line["error"].startswith(f"answered {status}")
    assert "hush" not in post.log.read_text()


async def test_a_code_that_is_answered_is_quoted(post: Post, desk: Desk) -> None:
    """Slack says so why it does not want it."""
    post.targets.append(target(desk.url(), NotificationEvent.START))
    desk.says(answer(403, b"channel_is_archived"))
    await switch(post.core)
    await until(lambda: post.result(Result.FAILED) == 1)
    assert post.logged()[0]["error"] == "answered 403: channel_is_archived"


async def test_a_part_of_the_url_is_no_code(post: Post, desk: Desk) -> None:
    """It is not quoted even where it looks like one."""
    post.targets.append(target(desk.url("/hooks/hushhush"), NotificationEvent.START))
    desk.says(answer(404, b"hushhush"))
    await switch(post.core)
    await until(lambda: post.result(Result.FAILED) == 1)
    assert post.logged()[0]["error"] == "answered 404"


@pytest.mark.parametrize("post", [1.3], indirect=True, ids=["a_second"])
async def test_nobody_there_is_given_up_after_a_while(post: Post) -> None:
    """And what comes later is tried anew."""
    post.targets.append(target("http://127.0.0.1:1/", NotificationEvent.START))
    await switch(post.core)
    await until(lambda: post.result(Result.FAILED) == 1)
    (line,) = post.logged()
    assert line["error"] == "the connection was refused"
    assert line["tries"] > 1


async def test_a_link_local_address_is_not_asked(post: Post) -> None:
    """Also where the config did not see it, at once and for good."""
    post.targets.append(target("http://169.254.169.254/latest/", NotificationEvent.START))
    await switch(post.core)
    await until(lambda: post.result(Result.FAILED) == 1)
    assert "link-local" in post.logged()[0]["error"]


async def test_a_silent_receiver_disturbs_nothing(post: Post, desk: Desk) -> None:
    """Switches go on, other targets hear of all of them, what waits is bounded, and a stop takes but a moment."""
    switches = MOST_WAITING // 2 + 5
    async with open_desk() as good:
        post.targets += [target(desk.url()), target(good.url())]
        desk.says((None,))
        for number in range(switches):
            await switch(post.core, (Color.GREEN, Color.BLUE)[number % 2])
        await come(post, 2 * switches)
        assert len(good.asked) == 2 * switches
    assert len(desk.asked) == 1
    assert post.result(Result.DROPPED) == 10
    await post.notifications.stop()
    assert post.result(Result.DROPPED) == 2 * switches
    assert post.logged()[-1]["error"] == "the program was stopped"


async def test_an_endless_answer_is_not_read_to_its_end(post: Post, desk: Desk) -> None:
    """The status is all that matters."""
    post.targets.append(target(desk.url()))
    desk.says((b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000, None))
    await switch(post.core)
    await come(post, 2)
    await until(lambda: desk.left == 2)


async def test_a_reload_changes_who_is_told(post: Post, desk: Desk) -> None:
    """New targets hear of what happens from then on, old ones of nothing any more, not even what still waits."""
    async with open_desk() as silent:
        silent.says((None,))
        post.targets.append(target(silent.url()))
        await switch(post.core)
        await until(lambda: len(silent.asked) == 1)
        post.targets[:] = [target(desk.url())]
        await switch(post.core, Color.BLUE)
        await come(post, 2)
    assert [told["operation"]["id"] for told in told_at(desk)] == ["op-2", "op-2"]
    assert post.result(Result.DROPPED) == 2
    assert {line["error"] for line in post.logged()} == {"the config file no longer names this target"}


@pytest.mark.parametrize("post", [60.0], indirect=True, ids=["patient"])
async def test_a_target_that_left_is_not_tried_again(post: Post, desk: Desk) -> None:
    """Though nothing else happens after the reload."""
    post.targets.append(target(desk.url(), NotificationEvent.START))
    desk.says(answer(503))
    await switch(post.core)
    await until(lambda: len(desk.asked) == 1)
    post.targets.clear()
    await until(lambda: post.result(Result.FAILED) == 1)
    assert len(desk.asked) <= 2


async def test_what_was_just_told_is_told_before_the_end(post: Post, desk: Desk) -> None:
    """A stop waits for receivers that answer."""
    post.targets.append(target(desk.url()))
    await switch(post.core)
    await post.notifications.stop()
    assert [told["event"] for told in told_at(desk)] == ["start", "end"]


async def test_a_hold_is_told_too(post: Post, desk: Desk) -> None:
    """What does not move traffic is an operation as well."""
    post.targets.append(target(desk.url()))
    await post.core.controller.execute(Hold("shop", HoldRule()), by="ada")
    await post.core.controller.execute(Release("shop"), by="ada")
    await come(post, 2)
    start, end = told_at(desk)
    assert start["text"] == "shop: hold of new requests by ada began."
    assert "were held" in end["text"]
