//! A page under construction. What comes out is well-formed and escaped whatever goes in: names of elements
//! and attributes are ours, everything else is text, and what is opened is closed. That takes these few lines,
//! and a template engine's macros would not make the computed half of the page, the drawings, any plainer.

use std::fmt::{self, Display, Write as _};

/// Attributes of an element.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a dyn Display)];

/// The page.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// The beginning of every page.
    pub(super) fn page() -> Self {
        Self("<!DOCTYPE html>\n".to_owned())
    }

    /// What came of it.
    pub(super) fn finish(self) -> String {
        self.0
    }

    /// Text.
    pub(super) fn text(&mut self, text: impl Display) {
        let _ = write!(Escaped(&mut self.0), "{text}");
    }

    /// An element with others inside.
    pub(super) fn inside(
        &mut self,
        tag: &'static str,
        attributes: Attributes<'_>,
        fill: impl FnOnce(&mut Self),
    ) {
        self.begin(tag, attributes);
        self.0.push('>');
        fill(self);
        let _ = write!(self.0, "</{tag}>");
        if !matches!(tag, "text" | "tspan" | "code" | "span" | "strong" | "td" | "th" | "title" | "time") {
            self.0.push('\n');
        }
    }

    /// An element with text inside.
    pub(super) fn put(&mut self, tag: &'static str, attributes: Attributes<'_>, text: impl Display) {
        self.inside(tag, attributes, |html| html.text(text));
    }

    /// An element with nothing inside.
    pub(super) fn void(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        self.begin(tag, attributes);
        self.0.push_str("/>");
    }

    /// Our own style sheet, in which nothing needs escaping; a test reads it.
    pub(super) fn style(&mut self, sheet: &'static str) {
        let _ = write!(self.0, "<style>\n{sheet}</style>\n");
    }

    fn begin(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        let _ = write!(self.0, "<{tag}");
        for (name, value) in attributes {
            let _ = write!(self.0, " {name}=\"");
            let _ = write!(Escaped(&mut self.0), "{value}");
            self.0.push('"');
        }
    }
}

/// Escapes what is written. Characters that XML does not have, and those that turn the direction of text and
/// so make a name look like another, become U+FFFD.
struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\t' | '\n' => self.0.push(c),
                '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FFFE}' | '\u{FFFF}' => {
                    self.0.push(char::REPLACEMENT_CHARACTER);
                }
                c if c.is_control() => self.0.push(char::REPLACEMENT_CHARACTER),
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quick_xml::Reader;
    use quick_xml::events::Event;

    use super::*;

    proptest! {
        #[test]
        fn whatever_goes_in_as_text_comes_out_as_text(text in any::<String>(), value in any::<String>()) {
            let mut html = Html::default();
            html.inside("p", &[("title", &value)], |html| html.text(&text));
            let page = html.finish();
            prop_assert_eq!(page.matches('<').count(), 2, "{}", page);
            prop_assert_eq!(page.matches('"').count(), 2, "{}", page);
            let mut reader = Reader::from_str(&page);
            loop {
                match reader.read_event() {
                    Ok(Event::Eof) => break,
                    Ok(_) => {}
                    Err(e) => prop_assert!(false, "{e}: {page}"),
                }
            }
        }
    }
}
