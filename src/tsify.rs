//! The half of tsify that TypeScript declarations need.
//!
//! `derive(Tsify)` writes a type's declaration into the module, from where wasm-bindgen takes it, and implements the
//! trait below. SOURCE: tsify's own crate brings js-sys along, which leaves 5 KB of closures in the module.

pub use tsify_macros::Tsify;

/// What `derive(Tsify)` implements. Nothing calls it.
pub trait Tsify {
    /// The type by its JavaScript name.
    type JsType;
    /// The declaration.
    const DECL: &'static str;
    /// How tsify's own crate would write values.
    const SERIALIZATION_CONFIG: SerializationConfig;
}

/// See [`Tsify::SERIALIZATION_CONFIG`].
#[derive(Clone, Copy, Debug)]
pub struct SerializationConfig {
    /// Whether what is missing is `null`.
    pub missing_as_null: bool,
    /// Whether maps are objects.
    pub hashmap_as_object: bool,
    /// Whether large integers are BigInts.
    pub large_number_types_as_bigints: bool,
}
