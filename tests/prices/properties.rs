//! What holds for every usage.

use proptest::prelude::*;
use std::time::UNIX_EPOCH;
use tower_llm_metrics::record::{Part, Rate, Text, Unit, Usage};
use tower_llm_metrics::{Cost, PriceBook, PricedCall, Pricer, Provider, Usd};

/// Rates of all kinds, at all thresholds, down to the twenty-fourth place.
const PRICES: &str = r#"[{"id": "p", "models": [
  {"id": "m", "match": {"equals": "m"}, "prices": {
    "input_mtok": {"base": 1.25, "tiers": [{"start": 1000, "price": 2.5}]}, "cache_read_mtok": 0.0185185185185185,
    "cache_write_mtok": 1.5625, "cache_write_1h_mtok": 2.5, "input_audio_mtok": 40, "cache_audio_read_mtok": 0.4,
    "input_image_mtok": 3, "cache_image_read_mtok": 0.03, "output_mtok": {"base": 10, "tiers": [{"start": 1000, "price": 15.000000000000002}]},
    "output_reasoning_mtok": 12, "output_audio_mtok": 80, "output_image_mtok": 30, "web_searches_kcount": 10, "requests_kcount": 1}}]}]"#;

fn price(book: &PriceBook, usage: &Usage) -> Cost {
    let (provider, model) = (Provider::new("p").unwrap(), Text::new("m").unwrap());
    let mut call = PricedCall::new(usage, UNIX_EPOCH);
    (call.provider, call.model) = (Some(&provider), Some(&model));
    book.price(&call)
}

fn book() -> PriceBook {
    PriceBook::from_genai_prices(PRICES.as_bytes()).unwrap()
}

/// The kinds of tokens that can be added to a usage, each with its whole.
const KINDS: [fn(&mut Usage, u64); 9] = [
    |usage, n| add([&mut usage.input_tokens], n),
    |usage, n| add([&mut usage.input_tokens, &mut usage.cache_read_tokens], n),
    |usage, n| add([&mut usage.input_tokens, &mut usage.cache_write_tokens], n),
    |usage, n| {
        let written = [&mut usage.cache_write_tokens, &mut usage.cache_write_1h_tokens];
        add(written, n);
        add([&mut usage.input_tokens], n);
    },
    |usage, n| add([&mut usage.input_tokens, &mut usage.input_audio_tokens], n),
    |usage, n| add([&mut usage.input_tokens, &mut usage.input_image_tokens], n),
    |usage, n| add([&mut usage.output_tokens], n),
    |usage, n| add([&mut usage.output_tokens, &mut usage.reasoning_tokens], n),
    |usage, n| add([&mut usage.output_tokens, &mut usage.output_audio_tokens], n),
];

fn add<const N: usize>(counts: [&mut Option<u64>; N], more: u64) {
    for count in counts {
        *count = Some(count.unwrap_or(0).saturating_add(more));
    }
}

/// A usage whose parts are within their wholes.
fn usage() -> impl Strategy<Value = Usage> {
    let amounts = prop::array::uniform9(prop_oneof![Just(0), 1..2_000u64, 0..u64::from(u32::MAX)]);
    (amounts, prop::option::of(0..50u64)).prop_map(|(amounts, searches)| {
        let mut usage = Usage::default();
        usage.input_tokens = Some(0);
        for (kind, amount) in KINDS.iter().zip(amounts) {
            kind(&mut usage, amount);
        }
        usage.web_searches = searches;
        usage
    })
}

/// Any usage at all, contradictions included.
fn any_usage() -> impl Strategy<Value = Usage> {
    let count = prop::option::of(prop_oneof![any::<u64>(), 0..5_000u64, Just(u64::MAX)]);
    prop::collection::vec(count, 12).prop_map(|counts| {
        let mut usage = Usage::default();
        let fields = [
            &mut usage.input_tokens,
            &mut usage.cache_read_tokens,
            &mut usage.cache_write_tokens,
            &mut usage.cache_write_5m_tokens,
            &mut usage.cache_write_1h_tokens,
            &mut usage.input_audio_tokens,
            &mut usage.input_image_tokens,
            &mut usage.output_tokens,
            &mut usage.reasoning_tokens,
            &mut usage.output_audio_tokens,
            &mut usage.output_image_tokens,
            &mut usage.web_searches,
        ];
        for (field, count) in fields.into_iter().zip(counts) {
            *field = count;
        }
        usage
    })
}

/// The sum of parts in units of 1e-24 dollars, by arithmetic other than the library's.
fn exact(parts: impl Iterator<Item = Part>) -> u128 {
    parts
        .map(|part| {
            let rate = part.rate.to_string();
            let (whole, fraction) = rate.split_once('.').unwrap_or((&rate, ""));
            let digits: u128 = format!("{whole}{fraction:0<24}").parse().unwrap();
            digits * u128::from(part.quantity)
        })
        .sum()
}

fn rounded(sum: u128) -> i128 {
    let (quotient, rest) = (sum / 10u128.pow(12), sum % 10u128.pow(12));
    let half = 5 * 10u128.pow(11);
    (quotient + u128::from(rest > half || (rest == half && quotient % 2 == 1))) as i128
}

proptest! {
    #[test]
    fn parts_sum_to_the_total_before_its_rounding_in_any_order(usage in usage(), seed in any::<u64>()) {
        let Cost::Priced(priced) = price(&book(), &usage) else { panic!("{usage:?}") };
        let mut parts: Vec<Part> = priced.parts().collect();
        prop_assert_eq!(rounded(exact(parts.iter().copied())), priced.total.picos());
        let by = usize::try_from(seed % (parts.len() as u64)).unwrap();
        parts.rotate_left(by);
        parts.reverse();
        prop_assert_eq!(rounded(exact(parts.into_iter())), priced.total.picos());
    }

    #[test]
    fn each_token_is_billed_once(usage in usage()) {
        let Cost::Priced(priced) = price(&book(), &usage) else { panic!("{usage:?}") };
        let count = |of: &dyn Fn(Unit) -> bool| priced.parts().filter(|part| of(part.unit)).map(|part| part.quantity).sum::<u64>();
        let out = |unit| matches!(unit, Unit::Output | Unit::Reasoning | Unit::OutputAudio | Unit::OutputImage);
        let other = |unit| matches!(unit, Unit::WebSearches | Unit::Requests);
        prop_assert_eq!(count(&out), usage.output_tokens.unwrap_or(0));
        prop_assert_eq!(count(&|unit| !out(unit) && !other(unit)), usage.input_tokens.unwrap_or(0));
    }

    #[test]
    fn more_tokens_of_any_kind_never_cost_less(usage in usage(), kind in 0..KINDS.len(), more in 1..1_000_000u64) {
        let book = book();
        let mut larger = usage.clone();
        KINDS[kind](&mut larger, more);
        prop_assert!(price(&book, &larger).total() >= price(&book, &usage).total(), "{usage:?} {larger:?}");
    }

    #[test]
    fn no_usage_overflows_into_a_figure(usage in any_usage()) {
        match price(&book(), &usage) {
            Cost::Priced(priced) => prop_assert!(priced.total >= Usd::ZERO),
            Cost::Unpriced(reason) => prop_assert!(["overflow", "no_usage"].contains(&reason.as_str()), "{reason:?}"),
            other => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn a_rate_reads_back_as_it_is_shown(digits in any::<u64>(), places in 0..=36u32) {
        let text = format!("{digits}e-{places}");
        if let Ok(rate) = Rate::from_decimal(&text) {
            prop_assert_eq!(Rate::from_decimal(&rate.to_string()), Ok(rate));
        }
    }

    #[cfg(feature = "prices")]
    #[test]
    fn no_name_panics_and_all_have_the_same_answer_twice(
        provider in "[a-z:/.@-]{0,12}|p|openai|aws|google|openrouter",
        model in "\\PC{1,60}|(us.|ft:|models/)?(gpt|gemini|anthropic.claude)[a-z0-9.:@/-]{0,20}",
    ) {
        let (Ok(provider), Ok(model)) = (Provider::new(&provider), Text::new(&model)) else { return Ok(()) };
        let mut usage = Usage::default();
        usage.input_tokens = Some(1);
        let mut call = PricedCall::new(&usage, UNIX_EPOCH);
        (call.provider, call.model) = (Some(&provider), Some(&model));
        let first = PriceBook::bundled().price(&call);
        prop_assert_eq!(PriceBook::bundled().price(&call), first);
    }

    #[test]
    fn no_data_panics(data in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = PriceBook::from_json(&data);
        let _ = PriceBook::from_snapshot(&String::from_utf8_lossy(&data));
        let _ = PriceBook::empty().with_overrides_json(&data);
    }
}
