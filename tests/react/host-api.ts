// The api of an app whose chat.ts is `defineCodexHost`, as code generation types it, and one in which a client says who it is.
import type { ApiFromModules } from "convex/server";
import { anyApi } from "convex/server";
import type { defineCodexHost } from "../../js-wrapper/host/convex.js";

export const api = anyApi as unknown as ApiFromModules<{ chat: ReturnType<typeof defineCodexHost> }>;
