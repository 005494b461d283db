/** The fields that have a value: in a patch, `undefined` would remove them. */
export { given as defined } from "../../js-wrapper/given.js";
