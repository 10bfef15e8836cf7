"""The tasks of the set-up: plan, approve, apply (one per action), verify, report."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowSkipException
from airflow.sdk.execution_time.hitl import HITLUser

from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.records.setup import MARKDOWN_KEY, Approval, Planned, SetupResult
from cloudtrail_to_delta.setup.allowed import (
    APPROVERS_VARIABLE,
    EVERYONE,
    FORBIDDEN_APPROVE,
    named_approvers,
)
from cloudtrail_to_delta.setup.applying import apply_action
from cloudtrail_to_delta.setup.build import build_resources
from cloudtrail_to_delta.setup.databricks.access import compute_params
from cloudtrail_to_delta.setup.plan import Plan
from cloudtrail_to_delta.setup.planning import plan_removal, plan_setup
from cloudtrail_to_delta.setup.refusals import NotApprovedError, SetupFailedError
from cloudtrail_to_delta.setup.request import SetupRequest
from cloudtrail_to_delta.setup.resources import Clouds, Resource
from cloudtrail_to_delta.setup.tagged import Tagged, find_tagged, removal_resources, unmentioned

APPROVE, REJECT = "Approve", "Reject"
BY_TAG = "found by its tag: the params do not mention it"


def approval_option(planned: Planned) -> str:
    """Return the option that approves exactly this plan: "Approve 9a39c262e856"."""
    return f"{APPROVE} {planned.digest[:12]}"


def reached(values: Mapping[str, Any]) -> tuple[SetupRequest, Clouds]:
    """Return the request in a task's XCom, with the ARNs of an existing role, and its clients."""
    request = SetupRequest.from_dict(values)
    clouds = request.clouds()
    return request.located(clouds), clouds


def make_plan(request: SetupRequest, clouds: Clouds) -> tuple[Plan, list[Tagged]]:
    """Plan from the current state, in the request's mode. Return also what a removal has found by its tag."""
    if request.mode == "remove":
        found = find_tagged(request, clouds)
        resources = removal_resources(request, found)
        plan = plan_removal(resources, clouds, setup=request.name)
        return plan.with_notes(dict.fromkeys(unmentioned(request, resources), BY_TAG)), found
    changes = request.change_adopted
    return plan_setup(build_resources(request), clouds, setup=request.name, change_adopted=changes), []


def planned_resources(request: SetupRequest, found: Iterable[Sequence[str]]) -> list[Resource]:
    """Return the resources of a plan; `found` is what it has found by its tag."""
    if request.mode != "remove":
        return build_resources(request)
    return removal_resources(request, [(kind, account, name) for kind, account, name in found])


class PlanSetupOperator(BaseOperator):
    """Reads every resource of the request and shows the changes that it needs. Writes nothing.

    Returns:
        `records.setup.Planned`, as a dict.
    """

    template_fields = ("request",)

    def __init__(self, *, request: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.request = request

    def execute(self, context: Context) -> dict[str, Any]:
        """Make the plan, print it, and push its short form as Markdown."""
        request, clouds = reached(self.request)
        plan, found = make_plan(request, clouds)
        self.log.info("Plan:\n%s", plan.render())
        url = str(getattr(context["ti"], "log_url", None) or "")
        context["ti"].xcom_push(key=MARKDOWN_KEY, value=plan.render_markdown(log_url=url))
        return Planned(
            plan=plan.to_dict(),
            digest=plan.digest,
            summary=plan.summary(),
            writes=len(plan.writes),
            found=found,
        ).to_dict()


class ApproveSetupOperator(HITLOperator):
    """Waits, without a worker slot, until a person approves the plan or rejects it.

    It does not wait if there is nothing to do, or if the param `approve` is true. If nobody answers in time,
    the task fails without a retry: asking again would only delay the alert.

    The option that approves names the plan. Airflow keeps the question of a task that is cleared: its text,
    its options and its users stay those of the first plan, while this task already has the next one. An
    answer to that question therefore approves nothing.

    If an operator names approvers (`setup.allowed`), only their answer approves, and the param does not.

    Returns:
        `records.setup.Approval`, as a dict.
    """

    template_fields = (*HITLOperator.template_fields, "planned")

    def __init__(self, *, planned: Any, **kwargs: Any) -> None:
        super().__init__(options=[APPROVE, REJECT], **kwargs)
        self.planned = planned

    def execute(self, context: Context) -> dict[str, Any]:
        """Decide at once, or ask a person.

        Raises:
            NotApprovedError: if the param approves although an operator has named who may.
        """
        planned = Planned.from_dict(self.planned)
        if not planned.writes:
            return self._decided(True, "nobody, because there is nothing to do")
        approvers = named_approvers()
        if context["params"]["approve"]:
            if approvers:
                raise NotApprovedError(FORBIDDEN_APPROVE)
            return self._decided(True, "the param approve")
        self.options = [approval_option(planned), REJECT]
        self.assigned_users = [HITLUser(id=one, name=one) for one in approvers if EVERYONE not in approvers]
        answer: dict[str, Any] = super().execute(context)
        return answer

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Return a person's decision.

        Raises:
            NotApprovedError: if nobody answered in time, the answer is about another plan, or the person may
                not approve.
        """
        planned = Planned.from_dict(self.planned)
        chosen = event.get("chosen_options") or []
        self.options = list(dict.fromkeys([approval_option(planned), REJECT, *chosen]))
        answer = super().execute_complete(context, event)
        person = answer["responded_by_user"] or {}
        by = str(person.get("name") or person.get("id") or "somebody")
        if chosen == [REJECT]:
            return self._decided(False, by)
        if chosen != [approval_option(planned)]:
            raise NotApprovedError(
                f"{by} answered {', '.join(chosen)!r}, but the plan is now {planned.digest[:12]}: `plan` was "
                "cleared, and Airflow still asks about the earlier plan. Nothing was changed. Trigger a new "
                "run."
            )
        approvers = named_approvers()
        if approvers and EVERYONE not in approvers and person.get("id") not in approvers:
            raise NotApprovedError(
                f"{by} may not approve: the Airflow Variable {APPROVERS_VARIABLE} does not name the user "
                f"{person.get('id')!r}. Nothing was changed. Clear this task, and let an approver answer."
            )
        return self._decided(True, by)

    def process_trigger_event_error(self, event: dict[str, Any]) -> None:
        """Fail without a retry after the timeout.

        Raises:
            NotApprovedError: if nobody answered in time.
        """
        if event["error_type"] == "timeout":
            days = self.response_timeout.days if self.response_timeout else 0
            raise NotApprovedError(
                f"Nobody answered within {days} days, and nothing was changed. Trigger a new run, which "
                "makes a new plan."
            )
        super().process_trigger_event_error(event)

    def _decided(self, approved: bool, by: str) -> dict[str, Any]:
        planned = Planned.from_dict(self.planned)
        self.log.info("%s by %s: %s", APPROVE if approved else REJECT, by, planned.summary)
        return Approval(approved=approved, digest=planned.digest, by=by).to_dict()


class ApplySetupOperator(BaseOperator):
    """Applies the changes of one action, in one mode. Skips itself, with a reason, if there are none.

    Safe to retry and to clear: it detects and keeps what an earlier try has done.

    Returns:
        What was done, in words.
    """

    template_fields = ("request", "planned", "approval")

    def __init__(
        self, *, action: str, mode: str, request: Any, planned: Any, approval: Any, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.action = action
        self.mode = mode
        self.request = request
        self.planned = planned
        self.approval = approval

    def execute(self, context: Context) -> list[str]:  # noqa: ARG002 - Airflow's signature
        """Apply the changes, or skip with a reason."""
        planned = Planned.from_dict(self.planned)
        plan = Plan.from_dict(planned.plan)
        if plan.mode != self.mode:
            raise AirflowSkipException(f"the mode is {plan.mode!r}")
        require_approval(planned, Approval.from_dict(self.approval))
        if plan.digest != planned.digest:
            raise NotApprovedError(
                "the plan in the XCom of `plan` is not the one that was approved: trigger a new run."
            )
        if not any(change.action == self.action for change in plan.writes):
            raise AirflowSkipException(f"{self.action}: nothing to do")
        request, clouds = reached(self.request)
        resources = planned_resources(request, planned.found)
        done = apply_action(plan, self.action, resources, clouds)
        self.log.info("Done:\n%s", "\n".join(done))
        return done


class VerifySetupOperator(BaseOperator):
    """Plans again after the changes were applied: nothing may be left to do.

    Returns:
        One line.
    """

    template_fields = ("request", "planned", "approval")

    def __init__(self, *, request: Any, planned: Any, approval: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.request = request
        self.planned = planned
        self.approval = approval

    def execute(self, context: Context) -> str:  # noqa: ARG002 - Airflow's signature
        """Plan again.

        Raises:
            SetupFailedError: if changes are left, with their plan.
        """
        require_approval(Planned.from_dict(self.planned), Approval.from_dict(self.approval))
        plan, _ = make_plan(*reached(self.request))
        if plan.writes:
            raise SetupFailedError(
                "the plan was applied, but these changes are left to do. Trigger a new run:\n" + plan.render()
            )
        return plan.summary()


class SetupReportOperator(BaseOperator):
    """Returns the summary of a run, and the params for an ingest with the new resources.

    Returns:
        `records.setup.SetupResult`, as a dict.
    """

    template_fields = ("request", "planned", "approval", "applied")

    def __init__(self, *, request: Any, planned: Any, approval: Any, applied: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.request = request
        self.planned = planned
        self.approval = approval
        self.applied = applied

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002 - Airflow's signature
        """Combine what the other tasks returned. Skipped tasks returned nothing."""
        request = SetupRequest.from_dict(self.request)
        approval = Approval.from_dict(self.approval)
        done = [line for lines in self.applied if lines for line in lines]
        decision = (
            f"The plan was approved by {approval.by}."
            if approval.approved
            else f"The plan was rejected by {approval.by}, and nothing was changed."
        )
        lines = [Planned.from_dict(self.planned).summary, decision, *done]
        summary = "\n".join(lines)
        self.log.info("%s", summary)
        stands = approval.approved and request.mode == "apply"
        if not stands:
            return SetupResult(summary=summary).to_dict()
        request, clouds = reached(self.request)
        params = ingest_params_of(request) | compute_params(request, clouds)
        return SetupResult(summary=summary, ingest_params=params).to_dict()


def require_approval(planned: Planned, approval: Approval) -> None:
    """Raise unless exactly this plan was approved.

    Raises:
        AirflowSkipException: if it was rejected.
        NotApprovedError: if the decision is about another plan.
    """
    if approval.digest != planned.digest:
        raise NotApprovedError("the approved plan no longer matches the current one: trigger a new run.")
    if not approval.approved:
        raise AirflowSkipException(f"the plan was rejected by {approval.by}")


def ingest_params_of(request: SetupRequest) -> dict[str, Any]:
    """Return the params of the ingest DAG that match the set-up: those of the logs, tables and reader.

    With `assume_role` they have no AWS connection: the one connection serves every account but belongs to
    none of them.
    """
    shared = (
        *("bucket", "prefix", "organization", "account", "regions", "region", "kinds", "discovery"),
        *("target_root", "checkpoint_root", "databricks_conn_id", "iam_simulation"),
        *(f"{kind}_table" for kind in KINDS),
    )
    # The form does not accept empty texts, so empty values are left out.
    optional = ("warehouse_id", "deployment_role_arn", "alert_topic_arn", "alert_conn_ids")
    values = request.to_dict()
    given = {name: values[name] for name in (*shared, *optional)}
    params = {name: value for name, value in given.items() if value not in ("", None, [])}
    if request.ingest_principal:
        # The ingest has its own connection.
        params.pop("databricks_conn_id", None)
    params["reader_role_arn"] = request.reader_role_arn
    params["code_root"] = request.code_root
    if request.reader == "instance_profile":
        params["instance_profile_arn"] = request.instance_profile_arn
    if not request.assume_role:
        params["aws_conn_id"] = request.accounts[request.reader_account]
    return params
