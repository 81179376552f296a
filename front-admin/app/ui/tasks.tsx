/** Background tasks as several pages show them, and their progress as it arrives. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { useLive, useLiveState } from "@tools-dashboard/front-kit/live/react.tsx";
import type { LiveEvent } from "@tools-dashboard/front-kit/live/connection.ts";
import type { Schema } from "@tools-dashboard/front-kit/server/contract.ts";
import { Badge } from "@tools-dashboard/front-kit/ui/index.ts";
import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import { useRevalidator } from "react-router";

import { Coded, textOf } from "./coded.tsx";
import { Following } from "./live.tsx";
import { taskTexts } from "./task-texts.ts";

type Task = Schema<"BackgroundTask">;
type Followed = Pick<Task, "id" | "status" | "progress">;
type Progressed = Pick<Schema<"TaskProgressed">, "task_id" | "progress">;

const STATUS_KINDS = {
  queued: "neutral",
  running: "accent",
  succeeded: "success",
  failed: "danger",
  cancelled: "warning",
} as const;

/** The socket brings what happens to the tasks of who is logged in; those of others are read. */
const READ_SECONDS = 10;
/** While the page has no socket. */
const READ_WITHOUT_SOCKET_SECONDS = 2;

/** The status of a task, and why it failed. */
export function TaskStatus(props: { readonly task: Pick<Task, "status" | "error"> }) {
  const { status, error } = props.task;
  const t = useTexts(taskTexts);
  return (
    <>
      <Badge kind={STATUS_KINDS[status]}>{t.statuses[status]}</Badge>
      {error && (
        <p className="small">
          <Coded text={textOf(t.errors, error) ?? t.otherError} code={error} />
        </p>
      )}
    </>
  );
}

export function isOpen(task: Pick<Task, "status">): boolean {
  return task.status === "queued" || task.status === "running";
}

/** The task after an event of its progress; one that ended, or is further, stays as it is. */
export function withProgress<T extends Followed>(task: T, progress: number | undefined): T {
  if (progress === undefined || !isOpen(task) || progress < task.progress) return task;
  return { ...task, status: "running", progress };
}

/** `children` with the tasks as they are when their progress arrives. */
export function LiveTasks<T extends Followed>(props: {
  readonly tasks: readonly T[];
  readonly socketUrl: string;
  readonly children: (tasks: readonly T[]) => ReactNode;
}) {
  const { tasks, socketUrl, children } = props;
  const [arrived, setArrived] = useState<Readonly<Record<string, number>>>({});
  const progressed = ({ task_id, progress }: Progressed): void =>
    setArrived((known) => ({ ...known, [task_id]: progress }));
  return (
    <>
      <LiveProgress open={tasks.some(isOpen)} socketUrl={socketUrl} onProgress={progressed} />
      {children(tasks.map((task) => withProgress(task, arrived[task.id])))}
    </>
  );
}

function LiveProgress(props: {
  readonly open: boolean;
  readonly socketUrl: string;
  readonly onProgress: (progressed: Progressed) => void;
}) {
  const { open, socketUrl, onProgress } = props;
  const { revalidate } = useRevalidator();
  const live = useLiveState(({ state }) => state === "live");
  const read = (): void => void revalidate();
  const onEvent = ({ event_type, payload }: LiveEvent): void => {
    if (event_type === "task.progressed") onProgress(payload as unknown as Progressed);
    if (event_type === "task.finished") read();
  };
  useLive({ socketUrl, ticketPath: "/admin/live/ticket", onEvent, onResync: read });
  // What happened before the socket was open did not come over it.
  useEffect(() => {
    if (live) void revalidate();
  }, [live, revalidate]);
  return open && <Following seconds={live ? READ_SECONDS : READ_WITHOUT_SOCKET_SECONDS} />;
}
