import { serve } from "@tools-dashboard/front-kit/server/serve.ts";

import about from "./package.json" with { type: "json" };

await serve({ name: about.name, version: about.version, basePath: "/admin", port: 4100, folder: import.meta.dirname });
