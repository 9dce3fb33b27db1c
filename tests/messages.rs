//! `docs/messages.md` has every message that an error of this program begins with, and what to do: it is read out
//! of the sources, so that it cannot be stale. `UPDATE=1 cargo test --test messages` writes it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use barkeep::error::ErrorKind;
use barkeep::front::exit::Exit;
use syn::visit::{self, Visit};
use syn::{
    Block, Expr, ExprCall, ExprMethodCall, FnArg, ImplItemFn, ItemConst, ItemFn, ItemMod, Lit, Local, Pat,
};

/// What stands for a part of a message that is another one every time.
const HOLE: &str = "…";

/// What a kind means, and what to do when a message has no remedy of its own.
struct Chapter {
    /// `None`: it depends on what the service answered.
    kind: Option<ErrorKind>,
    title: &'static str,
    meaning: &'static str,
    /// Nothing where there is no remedy but the message's own.
    remedy: &'static str,
}

const CHAPTERS: [Chapter; 11] = [
    Chapter {
        kind: Some(ErrorKind::Usage),
        title: "The words or the configuration",
        meaning: "Nothing was touched: a flag, a variable, the configuration file or what these name is wrong.",
        remedy: "Correct what the message names; `barkeep VERB --help` and `barkeep config explain VERB` tell \
                 what is expected and who said what.",
    },
    Chapter {
        kind: Some(ErrorKind::NotFound),
        title: "Not in the archive",
        meaning: "The archive was asked and answered: it does not have this.",
        remedy: "`barkeep status` and `barkeep backup-list` tell what it has.",
    },
    Chapter {
        kind: Some(ErrorKind::Conflict),
        title: "Something else is there",
        meaning: "Two things do not belong together, or the place is taken; nothing was replaced.",
        remedy: "Decide which of the two sides in the message is right, and move the other away.",
    },
    Chapter {
        kind: Some(ErrorKind::Unavailable),
        title: "The store is out of reach",
        meaning: "The network, the service or a deadline; it was tried again already. The same call may succeed later.",
        remedy: "Try again; if it stays so, see whether the host can be reached from here (proxy, DNS, firewall, \
                 certificates). PostgreSQL tries again by itself.",
    },
    Chapter {
        kind: Some(ErrorKind::Denied),
        title: "Credentials or permissions",
        meaning: "The service knows who asks, or does not believe it, and says no.",
        remedy: "Mend the credentials or the policy; [permissions.md](permissions.md) has what each verb needs, and \
                 `barkeep check` tries it.",
    },
    Chapter {
        kind: Some(ErrorKind::Corrupt),
        title: "Damaged data",
        meaning: "What was read is not what was written. Nothing of it was delivered.",
        remedy: "Run `barkeep verify` to learn how much is damaged, take a new backup, and see what changed the objects.",
    },
    Chapter {
        kind: Some(ErrorKind::Server),
        title: "PostgreSQL",
        meaning: "PostgreSQL refused, or the connection to it was lost.",
        remedy: "Do what PostgreSQL's own words ask for; its log has the rest.",
    },
    Chapter {
        kind: Some(ErrorKind::Local),
        title: "This machine",
        meaning: "A file, a directory or a program of this machine failed; the message has the operating system's words.",
        remedy: "Look at that path: whether it is there, whose it is, whether its file system has room.",
    },
    Chapter {
        kind: Some(ErrorKind::Interrupted),
        title: "Interrupted",
        meaning: "A signal ended it, in good order.",
        remedy: "Begin again.",
    },
    Chapter {
        kind: None,
        title: "What a service answers",
        meaning: "The status follows from what the service said: 4 when trying again may help, 5 when it refuses, 6 \
                  when its answer makes no sense.",
        remedy: "As for the status.",
    },
    Chapter {
        kind: Some(ErrorKind::Bug),
        title: "Bugs",
        meaning: "An invariant of the program itself is broken. Please report it, with the whole line and `--version`.",
        remedy: "",
    },
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The sources of the program, without those that only tests see.
fn sources() -> Vec<(PathBuf, syn::File)> {
    let mut files = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") && name != "tests.rs" && name != "fuzz.rs" {
                let text = fs_err::read_to_string(&path).unwrap();
                files.push((path, syn::parse_file(&text).unwrap()));
            }
        }
    }
    files.sort_by(|(one, _), (other, _)| one.cmp(other));
    files
}

/// A message as somebody can search for it, and its remedies.
type Messages = BTreeMap<(Option<&'static str>, String), BTreeSet<String>>;

/// A function that makes an error of the message it is given.
#[derive(Clone)]
struct Helper {
    kind: Option<&'static str>,
    /// Which of its arguments, from 0, without `self`.
    argument: usize,
    hints: Vec<String>,
}

/// Reads messages out of the sources.
#[derive(Default)]
struct Reader {
    constants: BTreeMap<String, String>,
    helpers: BTreeMap<String, Helper>,
    messages: Messages,
    /// Whether helpers are still being learned.
    learning: bool,
    /// The hints of the chain of calls that is being read.
    hints: Vec<String>,
    /// Hints that a variable gets later in the function, by name.
    later: BTreeMap<String, Vec<String>>,
    /// The function that is being read, and its parameters.
    function: String,
    parameters: Vec<String>,
}

impl Reader {
    fn read() -> Self {
        let mut reader = Self { learning: true, ..Self::default() };
        let files = sources();
        for learning in [true, false] {
            reader.learning = learning;
            for (_, file) in &files {
                reader.visit_file(file);
            }
        }
        reader
    }

    /// The texts that an expression can be, with holes for what is only known when it happens.
    fn texts(&self, expression: &Expr) -> Vec<String> {
        match expression {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => vec![text.value()],
                _ => Vec::new(),
            },
            Expr::Macro(call) if call.mac.path.is_ident("format") || call.mac.path.is_ident("concat") => {
                let whole = call.mac.path.is_ident("concat");
                template(&call.mac.tokens, whole, &self.constants).into_iter().collect()
            }
            Expr::Reference(inner) => self.texts(&inner.expr),
            Expr::Paren(inner) => self.texts(&inner.expr),
            Expr::Group(inner) => self.texts(&inner.expr),
            Expr::MethodCall(call)
                if ["to_owned", "to_string", "into", "clone"].contains(&call.method.to_string().as_str()) =>
            {
                self.texts(&call.receiver)
            }
            Expr::If(choice) => {
                let mut texts = last(&choice.then_branch).map(|e| self.texts(e)).unwrap_or_default();
                texts.extend(choice.else_branch.iter().flat_map(|(_, other)| self.texts(other)));
                texts
            }
            Expr::Block(block) => last(&block.block).map(|e| self.texts(e)).unwrap_or_default(),
            Expr::Match(choice) => choice.arms.iter().flat_map(|arm| self.texts(&arm.body)).collect(),
            Expr::Path(path) => {
                let name = path.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
                self.constants.get(&name).cloned().into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn note(&mut self, kind: Option<&'static str>, expression: &Expr, hints: &[String]) {
        if self.learning {
            if let Expr::Path(path) = expression
                && let Some(name) = path.path.get_ident()
                && let Some(argument) = self.parameters.iter().position(|p| name == p)
            {
                let helper = Helper { kind, argument, hints: hints.to_vec() };
                self.helpers.insert(self.function.clone(), helper);
            }
            return;
        }
        for text in self.texts(expression) {
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            // Nothing that somebody could search for.
            if text.replace(HOLE, "").chars().filter(|c| c.is_alphabetic()).count() < 4 {
                continue;
            }
            self.messages.entry((kind, text)).or_default().extend(hints.iter().cloned());
        }
    }

    /// Reads a function, whose parameters are these.
    fn function(&mut self, name: String, inputs: Vec<String>, body: &Block) {
        let outside = (
            std::mem::replace(&mut self.function, name),
            std::mem::replace(&mut self.parameters, inputs),
            std::mem::take(&mut self.later),
        );
        let mut later = Later { reader: self, hints: BTreeMap::new() };
        later.visit_block(body);
        self.later = later.hints;
        visit::visit_block(self, body);
        (self.function, self.parameters, self.later) = outside;
    }
}

/// Finds the hints that variables get after they were made: `error.hint(…)`.
struct Later<'a> {
    reader: &'a Reader,
    hints: BTreeMap<String, Vec<String>>,
}

impl<'ast> Visit<'ast> for Later<'_> {
    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        if call.method == "hint"
            && let Expr::Path(path) = &*call.receiver
            && let Some(name) = path.path.get_ident()
        {
            let texts = call.args.first().map(|argument| self.reader.texts(argument)).unwrap_or_default();
            self.hints.entry(name.to_string()).or_default().extend(texts);
        }
        visit::visit_expr_method_call(self, call);
    }
}

/// The expression that a block ends with.
fn last(block: &Block) -> Option<&Expr> {
    match block.stmts.last()? {
        syn::Stmt::Expr(expression, None) => Some(expression),
        _ => None,
    }
}

/// The text of a `format!` with holes, or of a `concat!`.
fn template(
    tokens: &proc_macro2::TokenStream,
    whole: bool,
    constants: &BTreeMap<String, String>,
) -> Option<String> {
    let parser = syn::punctuated::Punctuated::<Expr, syn::Token![,]>::parse_terminated;
    let arguments = syn::parse::Parser::parse2(parser, tokens.clone()).ok()?;
    let literal = |expression: &Expr| match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    };
    if whole {
        return Some(arguments.iter().map(|a| literal(a).unwrap_or_else(|| HOLE.to_owned())).collect());
    }
    let text = literal(arguments.first()?)?;
    let (mut filled, mut rest) = (String::new(), text.as_str());
    while let Some(at) = rest.find(['{', '}']) {
        filled.push_str(&rest[..at]);
        let brace = &rest[at..];
        if brace.starts_with("{{") || brace.starts_with("}}") {
            filled.push_str(&brace[..1]);
            rest = &brace[2..];
        } else if let Some(end) = brace.find('}') {
            filled.push_str(constants.get(&brace[1..end]).map_or(HOLE, String::as_str));
            rest = &brace[end + 1..];
        } else {
            break;
        }
    }
    filled.push_str(rest);
    Some(filled)
}

/// The kind that a function of `Error` stands for.
fn kind_of(name: &str) -> Option<&'static str> {
    let kinds = [
        ("usage", ErrorKind::Usage),
        ("not_found", ErrorKind::NotFound),
        ("conflict", ErrorKind::Conflict),
        ("denied", ErrorKind::Denied),
        ("unavailable", ErrorKind::Unavailable),
        ("corrupt", ErrorKind::Corrupt),
        ("local", ErrorKind::Local),
        ("bug", ErrorKind::Bug),
        ("server", ErrorKind::Server),
        ("interrupted", ErrorKind::Interrupted),
    ];
    kinds.into_iter().find(|(known, _)| *known == name).map(|(_, kind)| kind.name())
}

/// The kind that is named by `ErrorKind::Name`.
fn kind_named(expression: &Expr) -> Option<&'static str> {
    let Expr::Path(path) = expression else { return None };
    let name = path.path.segments.last()?.ident.to_string();
    let name = if name == "NotFound" { "not_found".to_owned() } else { name.to_lowercase() };
    kind_of(&name)
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|a| {
        a.path().is_ident("cfg")
            && a.parse_args::<proc_macro2::TokenStream>().is_ok_and(|t| t.to_string().contains("test"))
            || a.path().is_ident("test")
    })
}

fn names<'a>(inputs: impl Iterator<Item = &'a FnArg>) -> Vec<String> {
    let typed = inputs.filter_map(|input| match input {
        FnArg::Typed(typed) => Some(match &*typed.pat {
            Pat::Ident(name) => name.ident.to_string(),
            _ => String::new(),
        }),
        FnArg::Receiver(_) => None,
    });
    typed.collect()
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !is_for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_const(&mut self, constant: &'ast ItemConst) {
        if self.learning
            && let [text] = self.texts(&constant.expr).as_slice()
        {
            self.constants.insert(constant.ident.to_string(), text.clone());
        }
        visit::visit_item_const(self, constant);
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        if !is_for_tests(&item.attrs) {
            self.function(item.sig.ident.to_string(), names(item.sig.inputs.iter()), &item.block);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        if !is_for_tests(&item.attrs) {
            self.function(item.sig.ident.to_string(), names(item.sig.inputs.iter()), &item.block);
        }
    }

    fn visit_local(&mut self, local: &'ast Local) {
        let name = match &local.pat {
            Pat::Ident(name) => name.ident.to_string(),
            _ => String::new(),
        };
        let later = self.later.get(&name).cloned().unwrap_or_default();
        let outside = std::mem::replace(&mut self.hints, later);
        visit::visit_local(self, local);
        self.hints = outside;
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let outside = self.hints.clone();
        if call.method == "hint" {
            // The innermost wins.
            let texts = call.args.first().map(|argument| self.texts(argument)).unwrap_or_default();
            if !texts.is_empty() {
                self.hints = texts;
            }
        }
        let chained = ["hint", "context", "caused_by", "into", "map_or_else", "ok_or_else", "unwrap_or_else"];
        if !chained.contains(&call.method.to_string().as_str()) {
            self.hints.clear();
        }
        self.visit_expr(&call.receiver);
        self.hints.clear();
        for argument in &call.args {
            self.visit_expr(argument);
        }
        if let Some(helper) = self.helpers.get(&call.method.to_string()).cloned()
            && let Some(argument) = call.args.get(helper.argument)
        {
            let hints = if outside.is_empty() { helper.hints } else { outside.clone() };
            self.note(helper.kind, argument, &hints);
        }
        self.hints = outside;
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        let hints = std::mem::take(&mut self.hints);
        visit::visit_expr_call(self, call);
        if let Expr::Path(path) = &*call.func {
            let names: Vec<String> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
            match names.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                [.., "Error", "new"] => {
                    if let (Some(kind), Some(message)) = (call.args.first(), call.args.get(1)) {
                        self.note(kind_named(kind), message, &hints);
                    }
                }
                [.., "Error", name] if kind_of(name).is_some() => {
                    if let Some(message) = call.args.first() {
                        self.note(kind_of(name), message, &hints);
                    }
                }
                [.., name] => {
                    if let Some(helper) = self.helpers.get(*name).cloned()
                        && let Some(argument) = call.args.get(helper.argument)
                    {
                        let hints = if hints.is_empty() { helper.hints } else { hints.clone() };
                        self.note(helper.kind, argument, &hints);
                    }
                }
                [] => {}
            }
        }
        self.hints = hints;
    }
}

/// A cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "\\<").replace('*', "\\*")
}

/// What a message is sorted by: the fixed words that it begins with.
fn sorting(message: &str) -> String {
    message.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

fn document(messages: &Messages) -> String {
    let mut text = String::from(
        "# Messages\n\nEvery error is told in this form, on standard error, with `--json` in `error.message`, `error.hint` and \
         `error.kind`:\n\n    error: what was being done: what happened\n    hint: what to do\n\nWhat was being done may be \
         left out or have several steps. Below is what can stand behind the last colon, with … for what is \
         another one every time: search for words of the message that are no names or numbers. The chapters \
         are the kinds, and each kind has its exit status ([exit-status.md](exit-status.md)); `status` ends with \
         3 for all of them, and `wal-restore` with 126 during recovery. The remedy is the hint, or where a \
         message has none, what stands above the table. This page is read out of the sources \
         (`tests/messages.rs`), so that nothing is missing.\n",
    );
    for chapter in &CHAPTERS {
        let name = chapter.kind.map(ErrorKind::name);
        let mut rows: Vec<_> = messages.iter().filter(|((kind, _), _)| *kind == name).collect();
        if rows.is_empty() {
            continue;
        }
        rows.sort_by_key(|((_, message), _)| (sorting(message), message.clone()));
        let status = chapter.kind.map_or(String::new(), |kind| {
            format!(" (`{}`, exit status {})", kind.name(), Exit::from(kind).code())
        });
        let _ = write!(text, "\n## {}{status}\n\n{}", chapter.title, chapter.meaning);
        if chapter.remedy.is_empty() {
            text.push_str("\n\n");
            for ((_, message), _) in rows {
                let _ = writeln!(text, "- {}", cell(message));
            }
            continue;
        }
        let _ = write!(text, " {}\n\n| message | remedy |\n|---|---|\n", chapter.remedy);
        for ((_, message), hints) in rows {
            let remedy = hints.iter().map(|hint| cell(hint)).collect::<Vec<_>>().join("; or: ");
            let remedy = if remedy.is_empty() { "as above".to_owned() } else { remedy };
            let _ = writeln!(text, "| {} | {remedy} |", cell(message));
        }
    }
    text
}

#[test]
fn every_message_is_in_the_book_with_its_remedy() {
    let fresh = document(&Reader::read().messages);
    let file = root().join("docs/messages.md");
    if std::env::var_os("UPDATE").is_some_and(|v| v == "1") {
        fs_err::write(&file, &fresh).unwrap();
        return;
    }
    let committed = fs_err::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == fresh,
        "docs/messages.md is stale: run `UPDATE=1 cargo test --test messages` and commit what it writes"
    );
}

#[test]
fn what_the_reader_of_sources_finds() {
    let reader = Reader::read();
    let find = |words: &str| {
        let found = reader.messages.iter().find(|((_, message), _)| message.contains(words));
        found.unwrap_or_else(|| panic!("`{words}` is not found"))
    };
    let ((kind, _), hints) = find("bucket … does not exist");
    assert!(
        *kind == Some("usage") && hints.iter().any(|hint| hint.contains("create the bucket")),
        "{hints:?}"
    );
    assert!(reader.messages.len() > 400, "{}", reader.messages.len());
    let hinted = reader.messages.values().filter(|hints| !hints.is_empty()).count();
    assert!(hinted > 150, "{hinted}");
}
