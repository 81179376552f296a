/** What each consumer of events has not done yet. */
import { useFormat, useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { Badge, Card, Table } from "@tools-dashboard/front-kit/ui/index.ts";
import { Link } from "react-router";

import type { Stack } from "./stack.ts";
import { texts } from "./texts.ts";

export function Queues(props: { readonly queues: Stack["queues"] }) {
  const { queues } = props;
  const t = useTexts(texts);
  const format = useFormat();
  if (!queues) {
    return (
      <Card>
        <h2>{t.queues}</h2>
        <p className="soft">{t.noQueues}</p>
      </Card>
    );
  }
  const most = Math.max(10, ...queues.map((it) => it.pending + it.leased));
  return (
    <Card>
      <h2>{t.queues}</h2>
      <div className="queues">
        <Table caption={t.queues} head={[t.consumer, t.open, "", t.dead, t.oldest]}>
          {queues.map((it) => {
            const open = it.pending + it.leased;
            return (
              <tr key={it.consumer}>
                <th scope="row">
                  {it.consumer} {it.paused && <Badge kind="warning">{t.paused}</Badge>}
                </th>
                <td className="number">{format.number(open)}</td>
                <td>
                  <meter className="depth" min={0} max={most} value={open} aria-label={t.openOf(it.consumer)} />
                </td>
                <td className="number">
                  {it.dead > 0 ? (
                    <Link to={`/events?state=dead&consumer=${it.consumer}`}>
                      <Badge kind="danger">{format.number(it.dead)}</Badge>
                    </Link>
                  ) : (
                    "0"
                  )}
                </td>
                <td className="number">
                  {open > 0 ? t.seconds(format.number(Math.round(it.oldest_seconds))) : "–"}
                </td>
              </tr>
            );
          })}
        </Table>
      </div>
    </Card>
  );
}
