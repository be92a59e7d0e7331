"""Web push: what the push service calls gone is never sent to again. D0a section 5, contract section 6."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.push import DispatchResult, Push, Subscription

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


def kept(evidence: Evidence, subscription: Subscription, result: DispatchResult) -> None:
    """Keep what decided: the answers of the push service, the row, and what the dispatch reported."""
    evidence.record(
        "subscription",
        name=subscription.name,
        row=subscription.row_id,
        is_active=subscription.is_active(),
        answered=[delivery["answered"] for delivery in subscription.deliveries()],
        reported=vars(result) if hasattr(result, "__dict__") else str(result),
    )


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
    (gone,) = evidence.examine(push.subscribe([410]), "subscriptions that answer 410")
    result = push.dispatch()
    kept(evidence, gone, result)
    findings = attempts(gone, 1, "that answers 410")
    if gone.is_active():
        findings.append(
            Finding(
                "is_active false after the push service answered 410",
                "is_active true",
                f"push_subscriptions row {gone.row_id}",
            )
        )
    evidence.judge(findings)


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
