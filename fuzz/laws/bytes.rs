//! Codecs.

use std::io::Read;

use crate::model::Compression;
use crate::stream::codec;

/// No more than this is decoded of one input.
const MOST: u64 = 8 << 20;

/// Every decoder; the first byte says which. What went through the codec's own encoder comes back.
pub fn decoders(input: &[u8]) {
    let Some((which, input)) = input.split_first() else { return };
    let how = Compression::ALL[usize::from(*which) % Compression::ALL.len()];
    if let Ok(plain) = decode(how, input) {
        assert!(plain.len() as u64 <= MOST);
    }
    let packed = codec::encode(how, how.level(None), input, 2 * input.len() + 4096);
    let packed =
        packed.unwrap_or_else(|e| panic!("{e}")).unwrap_or_else(|| panic!("{how} grew to twice its size"));
    assert!(decode(how, &packed).unwrap_or_else(|e| panic!("{how}: {e}")) == input, "{how}");
}

fn decode(how: Compression, packed: &[u8]) -> std::io::Result<Vec<u8>> {
    let from = Box::new(std::io::Cursor::new(packed.to_vec()));
    let mut plain = Vec::new();
    codec::decoder(how, from)?.take(MOST).read_to_end(&mut plain)?;
    Ok(plain)
}
