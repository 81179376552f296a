/** Where the drawing of the stack puts services and lines. */
import type { Link } from "./stack.ts";

export const BOX = { width: 208, height: 78 } as const;
const COLUMN = 238;
const ROW = 150;
/** Half of the line around a box lies outside it. */
const EDGE = 2;
const ROWS: readonly (readonly string[])[] = [
  ["front-public", "front-admin"],
  ["back-gateway"],
  ["back-auth", "back-api", "back-workers", "back-websockets"],
  ["back-postgres", "back-cassandra", "back-redis"],
];
/** The row of services that the drawing has not heard of. */
const SERVICES = 2;

/** The middle of the upper edge of a box. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly places: ReadonlyMap<string, Place>;
}

/** From browsers above to data below. */
export function layoutOf(names: readonly string[]): Layout {
  const known = new Set(ROWS.flat());
  const others = names.filter((it) => !known.has(it));
  const rows = ROWS.map((row, at) => [
    ...row.filter((it) => names.includes(it)),
    ...(at === SERVICES ? others : []),
  ]);
  const width = Math.max(...rows.map((row) => row.length)) * COLUMN;
  const places = rows.flatMap((row, at) =>
    row.map((name, column): [string, Place] => {
      const x = width / 2 + (column - (row.length - 1) / 2) * COLUMN;
      return [name, { x, y: at * ROW + EDGE }];
    }),
  );
  return { width, height: (rows.length - 1) * ROW + BOX.height + 2 * EDGE, places: new Map(places) };
}

/** The path of a line: down or up between rows, straight to a neighbour, else above the row. */
export function pathOf(link: Link, layout: Layout): string | null {
  const from = layout.places.get(link.from);
  const to = layout.places.get(link.to);
  if (!from || !to) return null;
  if (from.y !== to.y) return between(from, to);
  const side = (Math.sign(to.x - from.x) * BOX.width) / 2;
  const middle = from.y + BOX.height / 2;
  if (Math.abs(to.x - from.x) <= COLUMN) return `M${from.x + side} ${middle} L${to.x - side} ${middle}`;
  const above = from.y - 34;
  return `M${from.x + side / 2} ${from.y} C${from.x + side / 2} ${above} ${to.x - side / 2} ${above} ${to.x - side / 2} ${to.y}`;
}

function between(from: Place, to: Place): string {
  const down = to.y > from.y;
  const start = down ? from.y + BOX.height : from.y;
  const end = down ? to.y : to.y + BOX.height;
  const middle = (start + end) / 2;
  const lean = Math.sign(to.x - from.x) * (BOX.width / 4);
  const [x1, x2] = [from.x + lean, to.x - lean];
  return `M${x1} ${start} C${x1} ${middle} ${x2} ${middle} ${x2} ${end}`;
}
