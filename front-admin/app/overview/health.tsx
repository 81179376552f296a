/** The state of the stack: a live picture, the same as a table, and the queues of events. */
import { useFormat, useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import { Badge, Card, Notice, PageHead, Row, Table } from "@tools-dashboard/front-kit/ui/index.ts";

import { calls } from "../contracts.server.ts";
import { settings } from "../settings.server.ts";
import { Following } from "../ui/live.tsx";
import type { Route } from "./+types/health.ts";
import { observe } from "./observe.server.ts";
import { Picture } from "./picture.tsx";
import { Queues } from "./queues.tsx";
import { stackOf } from "./stack.ts";
import type { State } from "./stack.ts";
import { texts } from "./texts.ts";

const FOLLOW_SECONDS = 3;
const KINDS = { ok: "success", degraded: "warning", down: "danger", unknown: "neutral" } as const;

/** Who calls what through the gateway, which no contract lists as a caller. */
const ROUTES = [
  { from: "front-public", to: "back-gateway" },
  { from: "front-admin", to: "back-gateway" },
  { from: "back-gateway", to: "back-api" },
  { from: "back-gateway", to: "back-auth" },
  { from: "back-gateway", to: "back-websockets" },
];

export async function loader({ request, context }: Route.LoaderArgs) {
  const caller = {
    address: request.headers.get("X-Real-IP") ?? "127.0.0.1",
    correlationId: visitorOf(context).correlationId,
    userAgent: null,
  };
  const observed = await observe(settings, caller);
  const between = calls.map(({ caller: from, service: to }) => ({ from, to }));
  return stackOf(observed, [...ROUTES, ...between]);
}

export default function Health({ loaderData }: Route.ComponentProps) {
  const stack = loaderData;
  const t = useTexts(texts);
  const format = useFormat();
  const latency = (ms: number | null): string => (ms === null ? "–" : t.ms(format.number(ms)));
  return (
    <div className="stack">
      <Following seconds={FOLLOW_SECONDS} />
      <PageHead
        title={t.health}
        lead={
          stack.version !== null && stack.uptimeSeconds !== null
            ? t.version(stack.version, uptimeText(stack.uptimeSeconds))
            : undefined
        }
      />
      <Notice kind={KINDS[stack.status]} role="status">
        <p>
          <strong>{t.summaries[stack.status]}</strong>
        </p>
      </Notice>
      <Picture stack={stack} />
      <Queues queues={stack.queues} />
      <Card>
        <h2>{t.services}</h2>
        <Table caption={t.services} head={[t.service, t.state, t.latency, t.detail]}>
          {stack.services.map((it) => (
            <Row key={it.name}>
              <th scope="row">{it.name}</th>
              <td>
                <StateBadge state={it.state} />
              </td>
              <td className="number">{latency(it.latencyMs)}</td>
              <td>{it.detail ?? (it.state === "unknown" ? t.notAsked : "–")}</td>
            </Row>
          ))}
        </Table>
      </Card>
    </div>
  );
}

function StateBadge(props: { readonly state: State }) {
  const t = useTexts(texts);
  return <Badge kind={KINDS[props.state]}>{t.states[props.state]}</Badge>;
}

/** `3:04:05`, hours first. */
function uptimeText(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}
