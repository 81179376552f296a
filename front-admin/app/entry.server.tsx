import { documentHandler, errorLog } from "@tools-dashboard/front-kit/server/document.tsx";

import { settings } from "./settings.server.ts";

export default documentHandler(settings, import.meta.env.DEV);
export const handleError = errorLog("front-admin", settings);
