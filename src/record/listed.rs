//! Values of closed lists.

/// A value that is one of a closed list, each with a name in a record's JSON.
pub(super) trait Listed: Copy + 'static {
    const ALL: &'static [Self];

    fn name(self) -> &'static str;
}

macro_rules! closed_list {
    ($(#[$meta:meta])* $visibility:vis $name:ident, $key:literal { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        $visibility enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// All values.
            $visibility const ALL: &'static [Self] = &[$(Self::$variant),*];

            #[doc = concat!("The value of `", $key, "` in a record.")]
            $visibility const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl super::listed::Listed for $name {
            const ALL: &'static [Self] = Self::ALL;

            fn name(self) -> &'static str {
                self.as_str()
            }
        }
    };
}
pub(super) use closed_list;
