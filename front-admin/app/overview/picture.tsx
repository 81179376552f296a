/** The stack as a drawing: a box for each service, a line for each pair that calls. */
import { useFormat, useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";

import { BOX, layoutOf, pathOf } from "./layout.ts";
import type { Place } from "./layout.ts";
import type { Link, Service, Stack, State } from "./stack.ts";
import { texts } from "./texts.ts";

export function Picture(props: { readonly stack: Stack }) {
  const { stack } = props;
  const t = useTexts(texts);
  const format = useFormat();
  const layout = layoutOf(stack.services.map((it) => it.name));
  const services = new Map(stack.services.map((it) => [it.name, it]));
  const open = stack.queues?.reduce((sum, it) => sum + it.pending + it.leased, 0);
  const dead = stack.queues?.reduce((sum, it) => sum + it.dead, 0);
  return (
    <figure className="stack-picture">
      <svg viewBox={`0 0 ${layout.width} ${layout.height}`} role="img" aria-label={t.picture}>
        <desc>{t.pictureText}</desc>
        {stack.links.map((link) => (
          <path
            key={`${link.from} ${link.to}`}
            className="stack-line"
            data-state={lineState(link, services)}
            d={pathOf(link, layout) ?? ""}
          />
        ))}
        {stack.services.map((service) => (
          <Box
            key={service.name}
            service={service}
            place={layout.places.get(service.name)}
            queue={
              service.name === "back-workers" && open !== undefined && dead !== undefined
                ? t.waiting(format.number(open), format.number(dead))
                : null
            }
          />
        ))}
      </svg>
    </figure>
  );
}

function Box(props: {
  readonly service: Service;
  readonly place: Place | undefined;
  readonly queue: string | null;
}) {
  const { service, place, queue } = props;
  const t = useTexts(texts);
  const format = useFormat();
  if (!place) return null;
  const state = t.states[service.state];
  const latency = service.latencyMs === null ? "" : ` · ${t.ms(format.number(service.latencyMs))}`;
  return (
    <g
      className="stack-box"
      data-state={service.state}
      transform={`translate(${place.x - BOX.width / 2} ${place.y})`}
    >
      <rect width={BOX.width} height={BOX.height} rx="10" />
      <circle cx="18" cy="24" r="6" />
      <text className="stack-name" x="32" y="29">
        {service.name}
      </text>
      <text className="stack-state" x="18" y="50">
        {`${state}${latency}`}
      </text>
      {queue && (
        <text className="stack-state" x="18" y="66">
          {queue}
        </text>
      )}
    </g>
  );
}

/** A line is as its callee is. */
function lineState(link: Link, services: ReadonlyMap<string, Service>): State {
  const state = services.get(link.to)?.state ?? "unknown";
  return state === "degraded" ? "ok" : state;
}
