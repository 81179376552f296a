/** Pages are shown in the language and the time zone of the profile. */
import { asLocale } from "@tools-dashboard/front-kit/i18n/index.ts";
import type { Visitor } from "@tools-dashboard/front-kit/server/front.ts";

/** Keep what the profile says, where there is one; without it nothing changes. */
export async function chooseAsProfile(visitor: Visitor): Promise<void> {
  const { data } = await visitor.session.api.GET("/api/profile");
  if (!data) return;
  const locale = asLocale(data.language);
  visitor.choose({ ...(locale && { locale }), timeZone: data.timezone });
}
