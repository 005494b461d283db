// How code is made small that ships: functions and classes keep their names, so that a stack can be read.
const NAMES_KEPT = { keepNames: { function: true, class: true } };

/** The bundler's options for it. */
export const MINIFY = { compress: NAMES_KEPT, mangle: { toplevel: true, ...NAMES_KEPT }, codegen: { removeWhitespace: true } };
