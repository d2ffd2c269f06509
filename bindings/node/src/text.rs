//! Text on its way to JavaScript.

use napi::{
    bindgen_prelude::{ToNapiValue, TypeName, ValueType},
    check_status, sys,
};

/// Text that is mostly ASCII: then the engine copies it as it is and need not decode it.
pub struct Text(pub String);

impl TypeName for Text {
    fn type_name() -> &'static str {
        "string"
    }

    fn value_type() -> ValueType {
        ValueType::String
    }
}

impl ToNapiValue for Text {
    unsafe fn to_napi_value(env: sys::napi_env, text: Self) -> napi::Result<sys::napi_value> {
        let Self(text) = text;
        let create = if text.is_ascii() {
            sys::napi_create_string_latin1
        } else {
            sys::napi_create_string_utf8
        };
        let mut value = std::ptr::null_mut();
        // SAFETY: the pointer and the length are those of `text`, which outlives the call; ASCII is
        // the same in both encodings.
        let status = unsafe {
            create(
                env,
                text.as_ptr().cast(),
                text.len().cast_signed(),
                &raw mut value,
            )
        };
        check_status!(status, "no room for a text")?;
        Ok(value)
    }
}
