//! The recorded cases of the reference (spec/barman-cloud.md 17), by topic.
#![allow(dead_code, unreachable_pub, reason = "every test target uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use serde_json::Value;

/// All topics.
pub fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/barman-cloud-golden.json")).unwrap()
}

/// One topic.
pub fn topic(name: &str) -> Value {
    golden()[name].take()
}

/// The cases of a topic, or of one kind of a topic (`xlog/classify`); never none.
pub fn cases(name: &str) -> Vec<Value> {
    let cases = golden().pointer(&format!("/{name}")).unwrap().as_array().unwrap().clone();
    assert!(!cases.is_empty(), "{name}");
    cases
}

/// What a case says under this key, which must be a text.
pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

/// What a case says under this key, which must be a whole number.
pub fn number(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap()
}

/// The texts of a list.
pub fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
