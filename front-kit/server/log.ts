/** Structured logs: one JSON object a line, with the fields that the services' logs have. */

const LEVELS = ["debug", "info", "warning", "error"] as const;

export type Level = (typeof LEVELS)[number];
export type Fields = Readonly<Record<string, string | number | boolean | null | undefined>>;
export type Log = (level: Level, event: string, fields?: Fields) => void;

/** A log of `service` that leaves out what is below `lowest`; `write` gets whole lines. */
export function createLog(
  service: string,
  lowest: string,
  write: (line: string) => void = (line) => process.stdout.write(line),
): Log {
  const from = Math.max(0, LEVELS.indexOf(lowest as Level));
  return (level, event, fields = {}) => {
    if (LEVELS.indexOf(level) < from) return;
    const line = { event, level, time: new Date().toISOString(), service, ...fields };
    write(`${JSON.stringify(line)}\n`);
  };
}

/** An error as fields of a log line. */
export function errorFields(error: unknown): Fields {
  if (error instanceof Error) {
    return { error: error.name, message: error.message, stack: error.stack };
  }
  return { error: typeof error, message: String(error) };
}
