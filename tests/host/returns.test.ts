/** What the wrappers say that a function of the component answers is what its validator says. */
import type { ApiFromModules, FunctionReference, FunctionReturnType } from "convex/server";
import type { Infer } from "convex/values";
import { expectTypeOf, it } from "vitest";
import type { ComponentApi } from "../../convex/_generated/component.js";
import type { CodexComponent, defineCodexHost, vHostReturns } from "../../js-wrapper/host/convex.js";

type Api = ComponentApi<"codexLocal">;
type Any = FunctionReference<"query" | "mutation", "internal">;

/** A type without intersections, what may be undefined as what may be left out; fields that Convex's own pages may have, and ours never do, left out, and
 * `any`, which is all that a validator can say of JSON, as `unknown`. */
type Flat<T> = 0 extends 1 & T ? unknown : T extends readonly (infer Member)[]
  ? Flat<Member>[]
  : T extends object
    ? { [Field in keyof T as Field extends "splitCursor" | "pageStatus" ? never : Field]-?: [is: Flat<Exclude<T[Field], undefined>>, optional: undefined extends T[Field] ? true : false] }
    : T;
type Same<A, B> = [A, B] extends [B, A] ? true : false;
type Answer<Call> = Call extends Any ? Flat<FunctionReturnType<Call>> : never;

/** The functions whose declared answer is another than their validator's. */
type Differing = {
  [Module in keyof CodexComponent & keyof Api]: {
    [Name in keyof CodexComponent[Module] & keyof Api[Module] & string]: Same<Answer<CodexComponent[Module][Name]>, Answer<Api[Module][Name]>> extends true
      ? never
      : `${Module}.${Name}`;
  }[keyof CodexComponent[Module] & keyof Api[Module] & string];
}[keyof CodexComponent & keyof Api];

type Host = ApiFromModules<{ chat: ReturnType<typeof defineCodexHost> }>["chat"];
type Returns = typeof vHostReturns;

/** The functions of `defineCodexHost` whose declared answer, which an app's api has, is another than their validator's. */
type DifferingOfHost = {
  [Name in keyof Host]: Same<Flat<FunctionReturnType<Host[Name]>>, Flat<Infer<Returns[Name]>>> extends true ? never : Name;
}[keyof Host];

it("the comparison tells types apart", () => {
  expectTypeOf<Same<Flat<{ a: string } & { b?: 1 }>, Flat<{ a: string; b?: 1 }>>>().toEqualTypeOf<true>();
  expectTypeOf<Same<Flat<{ a: string }[]>, Flat<{ a: string | null }[]>>>().toEqualTypeOf<false>();
  expectTypeOf<Same<Flat<{ a?: string }>, Flat<{ a: string }>>>().toEqualTypeOf<false>();
  // To each of them the other is assignable.
  expectTypeOf<Same<Flat<{ a: string; b?: 1 }>, Flat<{ a: string }>>>().toEqualTypeOf<false>();
  expectTypeOf<Same<Flat<{ a: "x" }>, Flat<{ a: string }>>>().toEqualTypeOf<false>();
  expectTypeOf<Same<Answer<Api["threads"]["list"]>, never>>().toEqualTypeOf<false>();
});

it("no wrapper declares another answer than the component's", () => {
  expectTypeOf<Differing>().toEqualTypeOf<never>();
});

it("nor does a function that an app exports", () => {
  expectTypeOf<keyof Host>().toEqualTypeOf<keyof Returns>();
  expectTypeOf<DifferingOfHost>().toEqualTypeOf<never>();
});
