//! Caches that hold other things, as those of an application do when it makes its next call.

use std::hint::black_box;

/// The bytes of data that are touched: more than a core's own caches hold.
const DATA: usize = 4 << 20;

/// Data and code that take the place of whatever the processor had at hand.
pub struct Cold {
    data: Vec<u64>,
}

impl Default for Cold {
    fn default() -> Self {
        Self { data: vec![1; DATA / 8] }
    }
}

impl Cold {
    /// Reads and writes each line of the data, and runs through 256 KB of code.
    pub fn touch(&mut self) {
        for line in self.data.chunks_mut(8) {
            line[0] = line[0].wrapping_add(1);
        }
        black_box(FUNCTIONS.iter().fold(1, |value, function| function(value)));
    }
}

/// A function like no other, of some 250 bytes.
#[inline(never)]
fn function<const N: u64>(mut value: u64) -> u64 {
    macro_rules! steps {
        ($($step:literal)*) => {$(
            value = (value ^ (N + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15 + $step)).rotate_left($step);
        )*};
    }
    steps!(3 5 7 11 13 17 19 23 29 31 37 41);
    value
}

macro_rules! functions {
    ($($high:literal)*) => { [$(functions!(@ $high)),*] };
    (@ $high:literal) => { functions!(@ $high; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15) };
    (@ $high:literal; $($low:literal)*) => { |value| [$(function::<{ $high * 16 + $low }>),*].iter().fold(value, |value, function: &fn(u64) -> u64| function(value)) };
}

/// Each calls 16 functions of its own.
static FUNCTIONS: [fn(u64) -> u64; 64] = functions!(
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
    32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
);
