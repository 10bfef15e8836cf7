"""From nothing to trails that deliver."""


def test_from_nothing_to_everything_and_then_nothing_is_left_to_plan(world):
    request = world.request(kms_key="new", sns_topic="cloudtrail-files", insights=["ApiCallRateInsight"])
    plan = world.plan(request)
    assert {change.verb for change in plan.changes} == {"create"}
    world.apply(request, plan)
    again = world.plan(request)
    assert again.writes == (), again.render()
