/** A new tool of the catalogue. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { refusedWithKey, rulesOf, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import { ApiForm, Card, PageHead, SubmitButton } from "@tools-dashboard/front-kit/ui/index.ts";
import { Link, redirect } from "react-router";

import { documents } from "../../../documents.server.ts";
import { texts } from "../texts.ts";
import { sentTool, toolOf } from "../tool-form.ts";
import { ToolFields, useToolLabels } from "../ui/tool-fields.tsx";
import type { Route } from "./+types/new-tool.ts";

/** `key` makes a repeat of the form the same tool. */
export function loader() {
  return { rules: rulesOf(documents, "ToolCreate"), key: crypto.randomUUID() };
}

export async function action({ request, context }: Route.ActionArgs) {
  const { session } = visitorOf(context);
  const form = await request.formData();
  const key = String(form.get("key"));
  const body = toolOf(form);
  const answer = await session.api.POST("/api/admin/tools", {
    params: { header: { "Idempotency-Key": key } },
    body,
  });
  if (!answer.data) return refusedWithKey(answer, key, sentTool(body));
  return redirect(`/tools/${answer.data.id}?created=1`);
}

export default function NewTool({ loaderData, actionData }: Route.ComponentProps) {
  const t = useTexts(texts);
  const labels = useToolLabels();
  return (
    <div className="stack readable">
      <p>
        <Link to="/tools">{t.back}</Link>
      </p>
      <PageHead title={t.add} />
      <Card>
        <ApiForm failure={actionData} labels={labels} idempotencyKey={loaderData.key}>
          <ToolFields rules={loaderData.rules} />
          <SubmitButton>{t.create}</SubmitButton>
        </ApiForm>
      </Card>
    </div>
  );
}
