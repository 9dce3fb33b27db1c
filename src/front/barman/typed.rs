//! Values as the dialect spells them: sizes, tags, names, levels (spec/barman-cloud.md 1.3).
