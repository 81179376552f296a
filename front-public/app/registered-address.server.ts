/** The address that this browser registered, so that its confirmation can log in at once. */
import { createCookie } from "react-router";

import { settings } from "./settings.server.ts";

/** Ends with the registration: the contract gives it 48 hours. */
export const registeredAddress = createCookie("registered_address", {
  httpOnly: true,
  sameSite: "lax",
  path: "/app",
  secure: settings.environment === "production",
  maxAge: 48 * 3600,
});
