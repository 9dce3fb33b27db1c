//! CRC32C, the sum that the service keeps of every object and checks what it is sent against.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crc_fast::CrcAlgorithm::Crc32Iscsi;

/// The sum of some bytes, and how many they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sum {
    crc: u64,
    /// How many bytes.
    pub(super) size: u64,
}

impl Sum {
    /// The sum of these.
    pub(super) fn of(bytes: &Bytes) -> Self {
        Self { crc: crc_fast::checksum(Crc32Iscsi, bytes), size: bytes.len() as u64 }
    }

    /// The sum of these bytes and those after them.
    pub(super) fn then(self, next: Self) -> Self {
        let crc = match next.size {
            0 => self.crc,
            size => crc_fast::checksum_combine(Crc32Iscsi, self.crc, next.crc, size),
        };
        Self { crc, size: self.size + next.size }
    }

    /// As the service spells it: in base64, the highest byte first.
    pub(super) fn text(self) -> String {
        let crc = u32::try_from(self.crc & 0xFFFF_FFFF).unwrap_or_default();
        STANDARD.encode(crc.to_be_bytes())
    }

    /// As it goes into a header.
    pub(super) fn header(self) -> String {
        format!("crc32c={}", self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_spelled_as_the_service_does() {
        // The check value of CRC-32C, 0xE3069283.
        assert_eq!(Sum::of(&Bytes::from_static(b"123456789")).text(), "4waSgw==");
        assert_eq!(Sum::default().text(), "AAAAAA==");
        assert_eq!(Sum::default(), Sum::of(&Bytes::new()));
    }

    #[test]
    fn the_sum_of_parts_is_the_sum_of_the_whole() {
        let whole = Bytes::from((0..200_u8).collect::<Vec<_>>());
        for at in [0, 1, 77, 199, 200] {
            let (first, second) = (Sum::of(&whole.slice(..at)), Sum::of(&whole.slice(at..)));
            assert_eq!(first.then(second), Sum::of(&whole), "{at}");
        }
    }
}
