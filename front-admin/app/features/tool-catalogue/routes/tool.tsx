/** One tool: changed as a whole, or removed. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { refused, required, rulesOf, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import {
  ApiForm,
  Card,
  Notice,
  PageHead,
  SubmitButton,
} from "@tools-dashboard/front-kit/ui/index.ts";
import { Link, redirect } from "react-router";

import { documents } from "../../../documents.server.ts";
import { Confirm } from "../../../ui/confirm.tsx";
import { texts } from "../texts.ts";
import { sentTool, toolOf } from "../tool-form.ts";
import { ToolFields, useToolLabels } from "../ui/tool-fields.tsx";
import type { Route } from "./+types/tool.ts";

export async function loader({ request, params, context }: Route.LoaderArgs) {
  const { session } = visitorOf(context);
  const path = { tool_id: params.toolId };
  const tool = required(await session.api.GET("/api/admin/tools/{tool_id}", { params: { path } }));
  const search = new URL(request.url).searchParams;
  const done = search.has("created") ? "created" : search.has("saved") ? "saved" : null;
  return { tool, rules: rulesOf(documents, "ToolCreate"), done } as const;
}

/** The version of the tool that the form was made from is sent along: nobody's change is lost. */
export async function action({ request, params, context }: Route.ActionArgs) {
  const { session } = visitorOf(context);
  const form = await request.formData();
  const path = { tool_id: params.toolId };
  if (form.get("intent") === "remove") {
    const removed = await session.api.DELETE("/api/admin/tools/{tool_id}", { params: { path } });
    return removed.response.ok ? redirect("/tools?removed=1") : refused(removed);
  }
  const body = toolOf(form);
  const answer = await session.api.PATCH("/api/admin/tools/{tool_id}", {
    params: { path },
    body: { ...body, expected_version: Number(form.get("version")) },
  });
  if (!answer.data) return refused(answer, { values: sentTool(body) });
  return redirect(`/tools/${params.toolId}?saved=1`);
}

export default function Tool({ loaderData, actionData }: Route.ComponentProps) {
  const { tool, rules, done } = loaderData;
  const t = useTexts(texts);
  const labels = useToolLabels();
  return (
    <div className="stack readable">
      <p>
        <Link to="/tools">{t.back}</Link>
      </p>
      <PageHead title={tool.name} lead={tool.summary} />
      {done && !actionData && (
        <Notice kind="success" role="status">
          <p>{t[done]}</p>
        </Notice>
      )}
      <Card>
        <ApiForm failure={actionData} labels={labels} key={tool.version}>
          <input type="hidden" name="version" value={tool.version} />
          <ToolFields rules={rules} tool={tool} />
          <SubmitButton>{t.save}</SubmitButton>
        </ApiForm>
      </Card>
      <ApiForm failure={null}>
        <Confirm title={t.remove} text={t.removeText}>
          <SubmitButton name="intent" value="remove" kind="danger">
            {t.confirm}
          </SubmitButton>
        </Confirm>
      </ApiForm>
    </div>
  );
}
