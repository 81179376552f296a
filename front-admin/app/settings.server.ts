import { settingsFrom } from "@tools-dashboard/front-kit/server/settings.ts";

export const settings = settingsFrom(process.env, 4100);
