//! The passes of a call in its JSON: the table of their fields, written and read as an array of objects.

use super::codec::{Codec, Integer, Invalid, Opt, Str, write_member};
use super::{Pass, Text};
use crate::json::Reader;

/// Calls a macro with the rows of a pass.
macro_rules! pass_fields {
    ($callback:ident) => {
        $callback! {
            "model": Opt<Str<Text>> = model;
            "input_tokens": Opt<Integer<u64>> = input_tokens;
            "cache_read_tokens": Opt<Integer<u64>> = cache_read_tokens;
            "cache_write_tokens": Opt<Integer<u64>> = cache_write_tokens;
            "cache_write_5m_tokens": Opt<Integer<u64>> = cache_write_5m_tokens;
            "cache_write_1h_tokens": Opt<Integer<u64>> = cache_write_1h_tokens;
            "input_image_tokens": Opt<Integer<u64>> = input_image_tokens;
            "output_tokens": Opt<Integer<u64>> = output_tokens;
            "output_image_tokens": Opt<Integer<u64>> = output_image_tokens;
        }
    };
}

macro_rules! define_pass {
    ($($key:literal: $codec:ty = $field:ident;)*) => {
        /// Writes all fields of a pass, each after a comma.
        fn write_pass(pass: &Pass, out: &mut Vec<u8>) {
            $(write_member::<$codec>(concat!(",\"", $key, "\":"), &pass.$field, out);)*
        }

        /// Reads the value of `key`; steps over one that is not known.
        fn read_pass_field(key: &str, pass: &mut Pass, reader: &mut Reader<'_>) -> Result<(), Invalid> {
            match key {
                _ if reader.null() => {}
                $($key => pass.$field = <$codec>::read(reader)?,)*
                _ => drop(reader.skip()?),
            }
            Ok(())
        }
    };
}
pass_fields!(define_pass);

/// The passes of a call, an array of objects.
pub(super) struct Passes;

impl Codec for Passes {
    type Value = Vec<Pass>;

    fn is_absent(passes: &Vec<Pass>) -> bool {
        passes.is_empty()
    }

    fn write(passes: &Vec<Pass>, out: &mut Vec<u8>) {
        let mut before = b'[';
        for pass in passes {
            out.push(before);
            let start = out.len();
            write_pass(pass, out);
            // The comma before the first member becomes the opening brace.
            match out.get_mut(start) {
                Some(comma) => *comma = b'{',
                None => out.push(b'{'),
            }
            out.push(b'}');
            before = b',';
        }
        out.push(b']');
    }

    fn read(reader: &mut Reader<'_>) -> Result<Vec<Pass>, Invalid> {
        let mut passes = Vec::new();
        reader.array(|reader| {
            let mut pass = Pass::default();
            reader.object(|reader, key| read_pass_field(key, &mut pass, reader))?;
            passes.push(pass);
            Ok::<(), Invalid>(())
        })?;
        Ok(passes)
    }
}
