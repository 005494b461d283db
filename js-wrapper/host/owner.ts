import { hexOf } from "../hex.js";
import type { HostActorContext } from "./validators.js";

/** A name for a user of a tenant that one runtime alone has for them, whichever device they use: SHA-256 in hexadecimal. */
export async function ownerOf(runtimeId: string, { tenantId, userId }: HostActorContext): Promise<string> {
  const named = new TextEncoder().encode(JSON.stringify([runtimeId, tenantId, userId]));
  return hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", named)));
}
