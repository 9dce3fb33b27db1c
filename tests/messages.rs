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
    /// What the variables of the function that is being read were last set to.
    locals: BTreeMap<String, Vec<String>>,
    /// What `status` finds: message, reason, next.
    findings: Vec<[Vec<String>; 3]>,
    /// The same of functions that give several, part by part.
    tuples: BTreeMap<String, Vec<Vec<String>>>,
    /// What functions that give a text can give; nothing where two have the same name.
    returns: BTreeMap<String, Vec<String>>,
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
        // Twice, because what is learned last may be used first.
        for learning in [true, true, false] {
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
                template(&call.mac.tokens, 0, whole, &self.constants).into_iter().collect()
            }
            Expr::Reference(inner) => self.texts(&inner.expr),
            Expr::Paren(inner) => self.texts(&inner.expr),
            Expr::Group(inner) => self.texts(&inner.expr),
            Expr::MethodCall(call)
                if ["to_owned", "to_string", "into", "clone"].contains(&call.method.to_string().as_str()) =>
            {
                self.texts(&call.receiver)
            }
            Expr::MethodCall(call) => self.returns.get(&call.method.to_string()).cloned().unwrap_or_default(),
            Expr::Call(call) => match &*call.func {
                Expr::Path(path) => {
                    let name = path.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
                    match call.args.first().filter(|_| name == "Some") {
                        Some(inner) => self.texts(inner),
                        None => self.returns.get(&name).cloned().unwrap_or_default(),
                    }
                }
                _ => Vec::new(),
            },
            Expr::If(choice) => {
                let mut texts = last(&choice.then_branch).map(|e| self.texts(e)).unwrap_or_default();
                texts.extend(choice.else_branch.iter().flat_map(|(_, other)| self.texts(other)));
                texts
            }
            Expr::Block(block) => last(&block.block).map(|e| self.texts(e)).unwrap_or_default(),
            Expr::Match(choice) => choice.arms.iter().flat_map(|arm| self.texts(&arm.body)).collect(),
            Expr::Path(path) => {
                let name = path.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
                let constant = || self.constants.get(&name).cloned().into_iter().collect();
                self.locals.get(&name).cloned().unwrap_or_else(constant)
            }
            _ => Vec::new(),
        }
    }

    /// The texts that the `n`th part of what is given can be.
    fn part(&self, expression: &Expr, n: usize) -> Vec<String> {
        if let Expr::Call(call) = expression
            && let Expr::Path(path) = &*call.func
            && let Some(name) = path.path.segments.last()
        {
            let known = self.tuples.get(&name.ident.to_string());
            return known.and_then(|parts| parts.get(n)).cloned().unwrap_or_default();
        }
        parts(expression, n).into_iter().flat_map(|e| self.texts(e)).collect()
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
        if self.learning {
            let texts = last(body).map(|e| self.texts(e)).unwrap_or_default();
            let tuple = |n| last(body).map(|e| self.part(e, n)).unwrap_or_default();
            let pair = vec![tuple(0), tuple(1)];
            if pair.iter().any(|texts| !texts.is_empty()) {
                self.tuples.insert(name.clone(), pair);
            }
            if !texts.is_empty() {
                let known = self.returns.entry(name.clone()).or_insert_with(|| texts.clone());
                if *known != texts {
                    known.clear();
                }
            }
        }
        let outside = (
            std::mem::replace(&mut self.function, name),
            std::mem::replace(&mut self.parameters, inputs),
            std::mem::take(&mut self.later),
            std::mem::take(&mut self.locals),
        );
        let mut later = Later { reader: self, hints: BTreeMap::new() };
        later.visit_block(body);
        self.later = later.hints;
        visit::visit_block(self, body);
        (self.function, self.parameters, self.later, self.locals) = outside;
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

/// The expressions that the `n`th part of a tuple can be.
fn parts(expression: &Expr, n: usize) -> Vec<&Expr> {
    match expression {
        Expr::Tuple(tuple) => tuple.elems.iter().nth(n).into_iter().collect(),
        Expr::Match(choice) => choice.arms.iter().flat_map(|arm| parts(&arm.body, n)).collect(),
        Expr::Block(block) => last(&block.block).map(|e| parts(e, n)).unwrap_or_default(),
        Expr::If(choice) => {
            let mut all = last(&choice.then_branch).map(|e| parts(e, n)).unwrap_or_default();
            all.extend(choice.else_branch.iter().flat_map(|(_, other)| parts(other, n)));
            all
        }
        _ => Vec::new(),
    }
}

/// The expression that a block ends with.
fn last(block: &Block) -> Option<&Expr> {
    match block.stmts.last()? {
        syn::Stmt::Expr(expression, None) => Some(expression),
        _ => None,
    }
}

/// The text of a `format!` with holes, behind so many arguments, or of a `concat!`.
fn template(
    tokens: &proc_macro2::TokenStream,
    skip: usize,
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
    let text = literal(arguments.iter().nth(skip)?)?;
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
        let Some(init) = &local.init else { return };
        if let Pat::Tuple(names) = &local.pat {
            for (n, name) in names.elems.iter().enumerate() {
                if let Pat::Ident(name) = name {
                    let texts = self.part(&init.expr, n);
                    self.locals.insert(name.ident.to_string(), texts);
                }
            }
        } else {
            let texts = self.texts(&init.expr);
            self.locals.insert(name, texts);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let outside = self.hints.clone();
        if call.method == "add" && call.args.len() == 5 && !self.learning {
            let texts = [2, 3, 4].map(|n| self.texts(&call.args[n]));
            if texts.iter().all(|texts| !texts.is_empty()) {
                self.findings.push(texts);
            }
        }
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

/// What `verify` finds, by the name of its variant: the words of `Display`, `reason` and `next`.
#[derive(Default)]
struct Findings {
    told: BTreeMap<String, [BTreeSet<String>; 3]>,
    /// Which of the three is being read, and the type that it is of.
    reading: Option<(usize, String)>,
    reader: Reader,
}

impl Findings {
    fn read() -> Self {
        let mut findings = Self::default();
        let file = fs_err::read_to_string(root().join("src/model/verify/finding.rs")).unwrap();
        findings.visit_file(&syn::parse_file(&file).unwrap());
        // A gap tells itself.
        if let Some(gap) = findings.told.get("impl Gap").cloned() {
            findings.told.entry("WalGap".to_owned()).or_default()[0].extend(gap[0].clone());
        }
        findings.told.retain(|name, told| !name.starts_with("impl ") && !told[0].is_empty());
        findings
    }
}

/// The variants that a pattern names.
fn variants(pattern: &Pat) -> Vec<String> {
    let last = |path: &syn::Path| path.segments.last().map(|s| s.ident.to_string());
    match pattern {
        Pat::Or(either) => either.cases.iter().flat_map(variants).collect(),
        Pat::Path(path) => last(&path.path).into_iter().collect(),
        Pat::TupleStruct(it) => last(&it.path).into_iter().collect(),
        Pat::Struct(it) => last(&it.path).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The texts that are written somewhere inside.
#[derive(Default)]
struct Written(BTreeSet<String>);

impl<'ast> Visit<'ast> for Written {
    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if call.path.is_ident("write") {
            self.0.extend(template(&call.tokens, 1, false, &BTreeMap::new()));
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        if call.method == "write_str" {
            self.0.extend(call.args.iter().flat_map(|argument| Reader::default().texts(argument)));
        }
        visit::visit_expr_method_call(self, call);
    }
}

impl<'ast> Visit<'ast> for Findings {
    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let syn::Type::Path(of) = &*item.self_ty else { return };
        let of = of.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
        for inner in &item.items {
            let syn::ImplItem::Fn(function) = inner else { continue };
            let column = match function.sig.ident.to_string().as_str() {
                "fmt" => 0,
                "reason" => 1,
                "next" => 2,
                _ => continue,
            };
            self.reading = Some((column, of.clone()));
            self.visit_block(&function.block);
            self.reading = None;
        }
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        let Some((column, of)) = self.reading.clone() else { return };
        let texts = if column == 0 {
            let mut written = Written::default();
            written.visit_expr(&arm.body);
            written.0
        } else {
            self.reader.texts(&arm.body).into_iter().collect()
        };
        let names = if of == "Finding" { variants(&arm.pat) } else { vec![format!("impl {of}")] };
        for name in names {
            self.told.entry(name).or_default()[column].extend(texts.clone());
        }
    }
}

/// What `status` and `verify` find, which are answers and no errors.
fn found(status: &[[Vec<String>; 3]]) -> String {
    let mut text = String::from(
        "\n## What status and verify find\n\n`status`, `report` and `verify` tell of an archive what is wrong with it \
         (`why:`) and what to type (`next:`).\n",
    );
    let table = |title: &str, mut rows: Vec<[String; 3]>| {
        rows.sort_by_key(|[message, ..]| sorting(message));
        rows.dedup();
        let rows =
            rows.iter().map(|row| format!("| {} |", row.each_ref().map(|text| cell(text)).join(" | ")));
        format!("\n| {title} | why | next |\n|---|---|---|\n{}\n", rows.collect::<Vec<_>>().join("\n"))
    };
    let join = |texts: &mut dyn Iterator<Item = &String>| {
        let texts: Vec<&str> = texts.map(String::as_str).collect();
        if texts.is_empty() { HOLE.to_owned() } else { texts.join("; or: ") }
    };
    let rows = status.iter().flat_map(|[messages, why, next]| {
        let rest = [join(&mut why.iter()), join(&mut next.iter())];
        messages.iter().map(move |message| [message.clone(), rest[0].clone(), rest[1].clone()])
    });
    text.push_str(&table("status", rows.collect()));
    let rows = Findings::read().told.into_values();
    text.push_str(&table("verify", rows.map(|row| row.map(|texts| join(&mut texts.iter()))).collect()));
    text
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
    let reader = Reader::read();
    let fresh = document(&reader.messages) + &found(&reader.findings);
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
    assert!(reader.findings.len() > 15, "{}", reader.findings.len());
    assert!(Findings::read().told.len() > 12, "{:?}", Findings::read().told.keys());
    assert!(reader.messages.len() > 400, "{}", reader.messages.len());
    let hinted = reader.messages.values().filter(|hints| !hints.is_empty()).count();
    assert!(hinted > 130, "{hinted}");
}
