//! What one call touches: instructions, and lines of 64 bytes and pages of 4 KB, of code and of data.
//!
//! `cargo run --release --bin footprint` prints a row for each service, and `footprint 'this, no sink'` prints that row by
//! the functions whose code it is. The program runs itself under `valgrind --tool=lackey`, which writes down every access
//! to memory, and looks at calls between two stores to a mark; each figure is the median of eleven calls that follow three
//! hundred others. It needs `valgrind` and `nm`, and tells no times: `cargo bench --bench whole` does.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use tower::{Layer, service_fn};
use tower_llm_metrics::{FileSink, MemorySink, Record, RequestBody, UserMetricsLayer};
use whole::body::{Frames, answer, call};
use whole::cases::{self, Case};

const ROWS: [&str; 5] =
    ["bare service", "layer, filtered out", "this, no sink", "this, MemorySink", "this, both"];

/// Calls before those that are looked at.
const WARM: usize = 300;
/// Calls that are looked at.
const CALLS: usize = 11;

/// Stored to right before and right after a call that is looked at.
static MARK: AtomicU64 = AtomicU64::new(0);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => table(),
        [row] => functions(row),
        ["calls", row] => calls(row),
        _ => Err("footprint [ROW]".into()),
    }
}

fn table() -> Result<(), Box<dyn Error>> {
    println!("| | instructions | lines of code | pages of code | lines of data | pages of data |");
    println!("|---|---|---|---|---|---|");
    for row in ROWS {
        let touched = trace(row)?;
        let median = |of: &dyn Fn(&Touched) -> usize| {
            let mut all: Vec<usize> = touched.iter().map(of).collect();
            all.sort_unstable();
            all.get(all.len() / 2).copied().unwrap_or_default()
        };
        let pages = |lines: &HashSet<u64>| lines.iter().map(|line| line / 64).collect::<HashSet<_>>().len();
        println!(
            "| {row} | {} | {} | {} | {} | {} |",
            median(&|call| call.instructions.len()),
            median(&|call| call.code().len()),
            median(&|call| pages(&call.code())),
            median(&|call| call.data.len()),
            median(&|call| pages(&call.data)),
        );
    }
    Ok(())
}

/// Prints the functions of one call, those with most lines of code first.
fn functions(row: &str) -> Result<(), Box<dyn Error>> {
    let symbols = symbols()?;
    let touched = trace(row)?;
    let mut by_name: BTreeMap<String, (usize, BTreeSet<u64>)> = BTreeMap::new();
    for at in touched.last().map(|call| call.instructions.as_slice()).unwrap_or_default() {
        let name = match symbols.range(..=at).next_back() {
            Some((start, (size, name))) if at - start < *size => name.clone(),
            _ => "(libraries of the system)".to_owned(),
        };
        let (count, lines) = by_name.entry(name).or_default();
        *count += 1;
        lines.insert(at / 64);
    }
    let mut rows: Vec<_> = by_name.into_iter().collect();
    rows.sort_by_key(|(_, (count, lines))| std::cmp::Reverse((lines.len(), *count)));
    println!("| function | instructions | lines of code |\n|---|---|---|");
    for (name, (count, lines)) in rows {
        println!("| `{name}` | {count} | {} |", lines.len());
    }
    Ok(())
}

/// What one call touched.
#[derive(Default)]
struct Touched {
    /// Where each instruction stands.
    instructions: Vec<u64>,
    /// The lines of data.
    data: HashSet<u64>,
}

impl Touched {
    fn code(&self) -> HashSet<u64> {
        self.instructions.iter().map(|at| at / 64).collect()
    }
}

/// The calls of a row, each as valgrind saw it.
fn trace(row: &str) -> Result<Vec<Touched>, Box<dyn Error>> {
    let mut child = Command::new("valgrind")
        .args(["--tool=lackey", "--trace-mem=yes", "--log-fd=2"])
        .arg(std::env::current_exe()?)
        .args(["calls", row])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("valgrind cannot be run: {error}"))?;
    let mut says = BufReader::new(child.stdout.take().ok_or("no output")?);
    let mut line = String::new();
    let mut accesses = BufReader::with_capacity(1 << 20, child.stderr.take().ok_or("no trace")?);
    // The program says where its mark is before its first call, while the trace of its start is read here.
    let reader = std::thread::spawn(move || says.read_line(&mut line).map(|_| line));
    let (mut calls, mut current, mut mark) = (Vec::new(), None::<Touched>, None::<u64>);
    let mut reader = Some(reader);
    let mut text = Vec::new();
    while {
        text.clear();
        accesses.read_until(b'\n', &mut text)? > 0
    } {
        if mark.is_none() && reader.as_ref().is_some_and(std::thread::JoinHandle::is_finished) {
            let line =
                reader.take().and_then(|reader| reader.join().ok()).ok_or("the program broke off")??;
            mark = Some(line.trim().parse()?);
        }
        let Some((kind, at)) = std::str::from_utf8(&text).ok().and_then(access) else { continue };
        if matches!(kind, 'S' | 'M') && Some(at) == mark {
            match current.take() {
                Some(call) => calls.push(call),
                None => current = Some(Touched::default()),
            }
        } else if let Some(call) = &mut current {
            if kind == 'I' {
                call.instructions.push(at);
            } else {
                call.data.insert(at / 64);
            }
        }
    }
    if !child.wait()?.success() || calls.len() != CALLS {
        return Err(format!("{row}: saw {} calls of {CALLS}", calls.len()).into());
    }
    Ok(calls)
}

/// The kind and place of one access: `I  04001a3c,3`, ` L 1ffeffe7e,8`, ` S …` or ` M …`.
fn access(line: &str) -> Option<(char, u64)> {
    let mut words = line.split_whitespace();
    let kind = words.next().filter(|word| matches!(*word, "I" | "L" | "S" | "M"))?;
    let (at, _) = words.next()?.split_once(',')?;
    Some((kind.chars().next()?, u64::from_str_radix(at, 16).ok()?))
}

/// The functions of this program by the place where valgrind puts them, with their sizes.
fn symbols() -> Result<BTreeMap<u64, (u64, String)>, Box<dyn Error>> {
    let output = Command::new("nm").args(["-C", "-S"]).arg(std::env::current_exe()?).output()?;
    let text = String::from_utf8(output.stdout)?;
    let lines = text.lines().filter_map(|line| {
        let mut words = line.splitn(4, ' ');
        let at = u64::from_str_radix(words.next()?, 16).ok()?;
        let size = u64::from_str_radix(words.next()?, 16).ok()?;
        let kind = words.next()?;
        Some((at, size, kind.to_owned(), words.next()?.to_owned()))
    });
    let all: Vec<_> = lines.collect();
    // A program that can be put anywhere is put at one place by valgrind; the mark tells where that is.
    let mark =
        all.iter().find(|(.., name)| name.ends_with("footprint::MARK")).ok_or("nm does not list the mark")?.0;
    let shown = Command::new("valgrind")
        .args(["-q", "--tool=none"])
        .arg(std::env::current_exe()?)
        .args(["calls", "mark"])
        .output()?;
    let offset = String::from_utf8(shown.stdout)?.trim().parse::<u64>()? - mark;
    let functions = all.into_iter().filter(|(_, _, kind, _)| matches!(&**kind, "t" | "T" | "w" | "W" | "i"));
    Ok(functions.map(|(at, size, _, name)| (at + offset, (size, name))).collect())
}

/// Makes the calls of a row, between marks. Its first line of output says where the mark is.
fn calls(row: &str) -> Result<(), Box<dyn Error>> {
    println!("{}", &raw const MARK as u64);
    let case = cases::all().into_iter().next().ok_or("no case")?;
    let metered = |layer: UserMetricsLayer| layer.layer(service_fn(answer::<RequestBody<Frames>>));
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/footprint");
    match row {
        "mark" => {}
        "bare service" => made(&case, |request| call(&mut service_fn(answer::<Frames>), request)),
        "layer, filtered out" => {
            let mut service = metered(UserMetricsLayer::new(|_: &Record| ()).filter(|_| false));
            made(&case, |request| call(&mut service, request));
        }
        "this, no sink" => {
            let mut service = metered(UserMetricsLayer::new(|_: &Record| ()));
            made(&case, |request| call(&mut service, request));
        }
        "this, MemorySink" => {
            let mut service = metered(UserMetricsLayer::new(MemorySink::new()));
            made(&case, |request| call(&mut service, request));
        }
        "this, both" => {
            let mut service = metered(UserMetricsLayer::new((MemorySink::new(), FileSink::new(dir)?)));
            made(&case, |request| call(&mut service, request));
        }
        _ => return Err(format!("no row {row:?}; there are {ROWS:?}").into()),
    }
    Ok(())
}

fn made(case: &Case, mut make: impl FnMut(http::Request<Frames>)) {
    for _ in 0..WARM {
        make(case.request());
    }
    for _ in 0..CALLS {
        let request = case.request();
        MARK.store(1, Ordering::SeqCst);
        make(request);
        MARK.store(2, Ordering::SeqCst);
    }
}
