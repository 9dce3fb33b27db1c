//! Laws of deletion.

use super::*;
