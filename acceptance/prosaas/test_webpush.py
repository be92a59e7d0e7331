"""Web push: what the push service calls gone is never sent to again. D0a section 5, contract section 6."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.push import DispatchResult, Push, Subscription
    from fixtures.canary.push_trials import Neighbours

REMEDY = (
    "In the web push sender, set push_subscriptions.is_active to false on 410 and 404 and commit it; "
    "in the dispatcher, select active subscriptions only."
)


def attempts(subscription: Subscription, wanted: int, after: str) -> list[Finding]:
    """What the push service received for a subscription, against how often it should have been asked."""
    received = len(subscription.deliveries())
    if received == wanted:
        return []
    return [Finding(f"{wanted} requests at the push service {after}", f"{received}", subscription.name)]


def unreadable(subscription: Subscription, when: str) -> list[Finding]:
    """The last message that the push service received for a subscription, if the browser could not read it."""
    messages = subscription.deliveries()
    if not messages or messages[-1]["verdict"].get("decrypted"):
        return []
    return [Finding(f"a message that the keys given {when} decrypt", "cannot be decrypted", subscription.name)]


def kept(evidence: Evidence, subscription: Subscription, result: DispatchResult) -> None:
    """Keep what decided: the answers of the push service, the row, and what the dispatch reported."""
    evidence.record(
        "subscription",
        name=subscription.name,
        row=subscription.row_id,
        is_active=[row["is_active"] for row in subscription.rows()],
        answered=[delivery["answered"] for delivery in subscription.deliveries()],
        reported=vars(result) if hasattr(result, "__dict__") else str(result),
    )


def inactive_after(status: int, push: Push, evidence: Evidence) -> None:
    """One subscription for which the push service answers `status` is inactive after one dispatch."""
    (gone,) = evidence.examine(push.subscribe([status]), f"subscriptions that answer {status}")
    result = push.dispatch()
    kept(evidence, gone, result)
    findings = attempts(gone, 1, f"that answers {status}")
    if gone.is_active():
        findings.append(
            Finding(
                f"is_active false after the push service answered {status}",
                "is_active true",
                f"push_subscriptions row {gone.row_id}",
            )
        )
    evidence.judge(findings)


@criterion(
    "PSH-01",
    "410 from the push service: the subscription is inactive at once",
    severity="critical",
    effect="canary",
    sources=["D0a §5"],
    remedy=REMEDY,
    sends=1,
    needs=["push"],
    writes=["1 push subscription of the canary user"],
)
def test_gone_subscription_is_deactivated(push: Push, evidence: Evidence) -> None:
    inactive_after(410, push, evidence)


@criterion(
    "PSH-02",
    "404 from the push service: the subscription is inactive at once",
    severity="critical",
    effect="canary",
    sources=["D0a §5"],
    remedy=REMEDY,
    sends=1,
    needs=["push"],
    writes=["1 push subscription of the canary user"],
)
def test_unknown_subscription_is_deactivated(push: Push, evidence: Evidence) -> None:
    inactive_after(404, push, evidence)


@criterion(
    "PSH-03",
    "an inactive subscription is never sent to again",
    severity="critical",
    effect="canary",
    sources=["D0a §5"],
    remedy=REMEDY,
    sends=3,
    needs=["push"],
    writes=["2 push subscriptions of the canary user"],
)
def test_inactive_subscription_is_left_alone(push: Push, evidence: Evidence) -> None:
    gone, alive = evidence.examine(push.subscribe([410, 201]), "subscriptions, one that answers 410 and one 201")
    push.dispatch()
    result = push.dispatch()
    kept(evidence, gone, result)
    # the living one shows that the second dispatch really sent
    findings = attempts(alive, 2, "for the active subscription after two dispatches")
    findings += attempts(gone, 1, "for the inactive subscription after two dispatches")
    evidence.judge(findings)


@criterion(
    "PSH-07",
    "a subscription that is found dead or ended by its user takes nobody else's with it: rows of other users and "
    "businesses at its endpoint are untouched",
    severity="critical",
    effect="canary",
    sources=["D0a §5"],
    remedy="Deactivate by the row's id, or by endpoint and user_id together, never by endpoint alone; so, too, where "
    "a user unsubscribes.",
    sends=1,
    needs=["push"],
    writes=["1 push subscription of each canary user"],
)
def test_other_users_are_untouched(push_neighbours: Neighbours, evidence: Evidence) -> None:
    dead = push_neighbours.dead
    evidence.examine(push_neighbours.dispatched, "subscriptions of other users at the endpoint of a dead one")
    evidence.record("dead", row=dead.row_id, business=dead.business_id, is_active=dead.is_active)
    # nothing is shown of the others unless this one was really found dead, and then ended
    findings = [Finding("is_active false after 410", "is_active true", dead.where)] if dead.is_active else []
    findings += push_neighbours.answer.findings(200)
    after = {"the dispatch": push_neighbours.dispatched, "its user unsubscribed": push_neighbours.unsubscribed}
    for what, others in after.items():
        for other in others:
            evidence.record(f"after {what}", row=other.row_id, business=other.business_id, is_active=other.is_active)
            if other.moved:
                found = "changed" if other.is_active else "is_active false"
                findings.append(Finding(f"unchanged after {what}", found, other.where))
    evidence.judge(findings)


@criterion(
    "PSH-12",
    "subscribing again after 410 brings the row back, without a second one, and the next push reaches it",
    severity="major",
    effect="canary",
    sources=["contract §6"],
    remedy="Insert subscriptions ON CONFLICT (user_id, endpoint) DO UPDATE, and set is_active and both keys there.",
    sends=2,
    needs=["push"],
    writes=["1 push subscription of the canary user"],
)
def test_subscribing_again_brings_it_back(push: Push, evidence: Evidence) -> None:
    (gone,) = evidence.examine(push.subscribe([410]), "subscriptions that answer 410")
    push.dispatch()
    gone.answer(201)
    answer = push.resubscribe(gone)
    result = push.dispatch()
    kept(evidence, gone, result)
    findings = answer.findings((200, 201))
    rows = gone.rows()
    where = f"push_subscriptions row {gone.row_id}"
    if len(rows) != 1:
        findings.append(Finding("one row for user and endpoint after subscribing again", f"{len(rows)} rows", where))
    if not any(row["is_active"] for row in rows):
        findings.append(Finding("is_active true after subscribing again", "is_active false", where))
    findings += attempts(gone, 2, "after subscribing again")
    evidence.judge(findings + unreadable(gone, "after subscribing again"))
