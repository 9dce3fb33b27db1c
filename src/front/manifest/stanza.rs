//! An archive block of a `Cluster` as an `ObjectStore` of its own, and the plugin's stanza in its place: the
//! mechanical step of leaving the operator's built-in support.

use super::resource::{Documents, PLUGIN};
use super::yaml::{self, Node, Value};
use crate::error::{Error, Result};

/// The documents that take the place of the blocks of every cluster: `ObjectStore`s, and for each `Cluster`
/// what changes in it.
pub(crate) fn move_out(text: &str, documents: &Documents) -> Result<String> {
    let nodes = yaml::read(text, None)?;
    let mut out = Vec::new();
    for node in &nodes {
        let items = match node.get("items").map(|items| &items.value) {
            Some(Value::List(items)) => items.iter().collect(),
            _ => vec![node],
        };
        for item in items {
            if item.get("kind").and_then(Node::as_text) == Some("Cluster") {
                out.extend(cluster(item));
            }
        }
    }
    if out.is_empty() {
        let what = match documents.clusters.len() {
            0 => "there is no Cluster in the file",
            _ => "no Cluster in the file has an archive of the operator's built-in kind",
        };
        return Err(
            Error::usage(what).hint("give a file with a Cluster that has spec.backup.barmanObjectStore")
        );
    }
    let written: Vec<String> = out.iter().map(yaml::write).collect();
    Ok(format!("---\n{}", written.join("---\n")))
}

/// What one cluster becomes.
fn cluster(node: &Node) -> Vec<Node> {
    let name = node.get("metadata").and_then(|m| m.get("name")).and_then(Node::as_text).unwrap_or_default();
    let namespace = node.get("metadata").and_then(|m| m.get("namespace"));
    let metadata = |name: &str| {
        let mut pairs = vec![("name", Node::text(name))];
        pairs.extend(namespace.map(|namespace| ("namespace", namespace.clone())));
        Node::map(pairs)
    };
    let Some(spec) = node.get("spec") else { return Vec::new() };
    let store = |name: &str, block: &Node, policy: Option<&Node>| {
        let mut fields = vec![("configuration", without(block, "serverName"))];
        fields.extend(policy.map(|policy| ("retentionPolicy", policy.clone())));
        Node::map(vec![
            ("apiVersion", Node::text("barmancloud.cnpg.io/v1")),
            ("kind", Node::text("ObjectStore")),
            ("metadata", metadata(name)),
            ("spec", Node::map(fields)),
        ])
    };
    let mut out = Vec::new();
    let mut changed = Vec::new();
    if let Some(backup) = spec.get("backup")
        && let Some(block) = backup.get("barmanObjectStore")
    {
        out.push(store(name, block, backup.get("retentionPolicy")));
        let mut plugin = vec![("name", Node::text(PLUGIN)), ("isWALArchiver", Node::of(Value::Bool(true)))];
        plugin.push(("parameters", parameters(name, block, name)));
        changed.push(("plugins", Node::of(Value::List(vec![Node::map(plugin)]))));
    }
    let externals = match spec.get("externalClusters").map(|node| &node.value) {
        Some(Value::List(externals)) => externals.as_slice(),
        _ => &[],
    };
    let mut moved = Vec::new();
    for external in externals {
        let Some((block, other)) =
            external.get("barmanObjectStore").zip(external.get("name").and_then(Node::as_text))
        else {
            moved.push(external.clone());
            continue;
        };
        out.push(store(other, block, None));
        let mut kept = without(external, "barmanObjectStore");
        if let Value::Map(pairs) = &mut kept.value {
            // The built-in support takes the external cluster's name where none is said, the plugin this one's.
            let plugin = Node::map(vec![
                ("name", Node::text(PLUGIN)),
                ("parameters", parameters(other, block, other)),
            ]);
            pairs.push(("plugin".to_owned(), plugin));
        }
        moved.push(kept);
    }
    if out.is_empty() {
        return out;
    }
    if externals.iter().any(|external| external.get("barmanObjectStore").is_some()) {
        changed.push(("externalClusters", Node::of(Value::List(moved))));
    }
    let version = node.get("apiVersion").cloned().unwrap_or_else(|| Node::text("postgresql.cnpg.io/v1"));
    out.push(Node::map(vec![
        ("apiVersion", version),
        ("kind", Node::text("Cluster")),
        ("metadata", metadata(name)),
        ("spec", Node::map(changed)),
    ]));
    out
}

/// The plugin's parameters; the server keeps its name, and with it its archive.
fn parameters(store: &str, block: &Node, default: &str) -> Node {
    let server = block.get("serverName").and_then(Node::as_text).unwrap_or(default);
    Node::map(vec![("barmanObjectName", Node::text(store)), ("serverName", Node::text(server))])
}

fn without(node: &Node, key: &str) -> Node {
    let mut node = node.clone();
    if let Value::Map(pairs) = &mut node.value {
        pairs.retain(|(name, _)| name != key);
    }
    node
}
