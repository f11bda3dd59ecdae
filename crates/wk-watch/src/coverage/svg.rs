//! The matrix as a picture: a column for each tactic, a box for each technique.
//!
//! Colour is never alone: each box bears a sign, and a text for those who cannot see it.

use wk_model::attack::ATTACK_VERSION;

use super::{Cell, Coverage, State};

const COLUMN: usize = 132;
const BOX: usize = 26;
const GAP: usize = 6;
const HEAD: usize = 74;
const LEFT: usize = 12;
/// Letters of a line in a column's head.
const HEAD_CHARS: usize = 18;

pub(super) fn draw(coverage: &Coverage) -> String {
    let shown: Vec<_> = coverage.columns.iter().filter(|(_, cells)| !cells.is_empty()).collect();
    let most = shown.iter().map(|(_, cells)| cells.len()).max().unwrap_or(0);
    let width = (LEFT * 2 + shown.len() * (COLUMN + GAP)).max(640);
    let height = HEAD + most * (BOX + GAP) + 30 + State::ALL.len() * 22;
    let sums = coverage.sums();
    let said: Vec<String> =
        sums.iter().map(|(state, count)| format!("{count} {}", state.as_str())).collect();
    let mut svg = String::new();
    svg.push_str(&format_args!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-labelledby=\"coverage-title coverage-desc\" font-family=\"system-ui, sans-serif\">\n"
    ).to_string());
    svg.extend([
        "<title id=\"coverage-title\">ATT&amp;CK coverage of the rules</title>\n",
        "<desc id=\"coverage-desc\">Techniques by tactic: ",
        &escaped(&said.join(", ")),
        ". Tactics of ATT&amp;CK ",
        ATTACK_VERSION,
        " and before.</desc>\n",
    ]);
    svg.push_str("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
    text(&mut svg, LEFT, 24, 16, "ATT&CK coverage of the rules");
    for (place, (tactic, cells)) in shown.iter().enumerate() {
        let x = LEFT + place * (COLUMN + GAP);
        svg.push_str("<g>\n");
        for (line, words) in lines(tactic.name).iter().enumerate() {
            text(&mut svg, x, 44 + line * 14, 12, words);
        }
        for (row, (technique, cell)) in cells.iter().enumerate() {
            technique_box(&mut svg, (x, HEAD + row * (BOX + GAP)), technique, cell);
        }
        svg.push_str("</g>\n");
    }
    legend(&mut svg, height - State::ALL.len() * 22 - 8);
    svg.push_str("</svg>\n");
    svg
}

fn technique_box(svg: &mut String, (x, y): (usize, usize), technique: &str, cell: &Cell) {
    let state = cell.state();
    let (fill, sign) = look(state);
    let rules = if cell.rules.is_empty() { &cell.idle } else { &cell.rules };
    let hint = format!("{technique}: {}. {}", state.as_str(), rules.join("; "));
    svg.extend(["<g><title>", &escaped(&hint), "</title>"]);
    svg.push_str(&format_args!(
        "<rect x=\"{x}\" y=\"{y}\" width=\"{COLUMN}\" height=\"{BOX}\" rx=\"3\" fill=\"{fill}\" stroke=\"#333333\"/>"
    ).to_string());
    let line = format!("{sign} {technique} ({})", rules.len());
    text(svg, x + 6, y + 17, 12, &line);
    svg.push_str("</g>\n");
}

/// The colour of a box, light enough for dark letters, and its sign.
const fn look(state: State) -> (&'static str, &'static str) {
    match state {
        State::Drilled => ("#9bd1a5", "◆"),
        State::Tested => ("#cfe8d3", "●"),
        State::Unproved => ("#fdf0c2", "◐"),
        State::NoLog => ("#f6d3c8", "○"),
        State::Idle => ("#e3e3e3", "–"),
    }
}

fn legend(svg: &mut String, top: usize) {
    for (row, state) in State::ALL.iter().enumerate() {
        let (fill, sign) = look(*state);
        let y = top + row * 22;
        svg.push_str(&format_args!(
            "<rect x=\"{LEFT}\" y=\"{y}\" width=\"26\" height=\"18\" rx=\"3\" fill=\"{fill}\" stroke=\"#333333\"/>"
        ).to_string());
        text(svg, LEFT + 8, y + 14, 12, sign);
        let words = format!("{}: {}", state.as_str(), state.meaning());
        text(svg, LEFT + 36, y + 14, 12, &words);
    }
}

fn text(svg: &mut String, x: usize, y: usize, size: usize, words: &str) {
    let words = escaped(words);
    svg.push_str(
        &format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"#111111\">{words}</text>\n"
        )
        .to_string(),
    );
}

/// Words in at most two lines.
fn lines(name: &str) -> Vec<String> {
    let (mut first, mut second) = (String::new(), String::new());
    for word in name.split(' ') {
        let fits = first.chars().count() + word.chars().count() < HEAD_CHARS;
        let line =
            if second.is_empty() && (fits || first.is_empty()) { &mut first } else { &mut second };
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    [first, second].into_iter().filter(|line| !line.is_empty()).collect()
}

/// Text that XML takes for text. Control characters, which XML has not, are left out.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        match letter {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
