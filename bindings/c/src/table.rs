//! Which operations this library has: their number, their ids, and a checksum over both.

use sentryagent_idp::bridge::operations;

use crate::{guard::guard, output::Output};

/// Grows whenever a function of this ABI changes its meaning or goes away.
pub const AGENTIDP_ABI_VERSION: u32 = 2;

/// The version of this ABI. A host refuses a library whose version is not the one it was written for.
#[unsafe(no_mangle)]
pub extern "C" fn agentidp_abi_version() -> u32 {
    AGENTIDP_ABI_VERSION
}

/// How many operations there are; their indices count from 0.
#[unsafe(no_mangle)]
pub extern "C" fn agentidp_operations_count() -> u32 {
    guard(0, || u32::try_from(operations().len()).unwrap_or(0))
}

/// FNV-1a (64 bits) over every operation's id and a line feed, in the order of the indices. A host
/// that was generated from another contract has another value and must not go on.
#[unsafe(no_mangle)]
pub extern "C" fn agentidp_operations_checksum() -> u64 {
    guard(0, || checksum(operations().iter().map(|o| o.id)))
}

/// Writes the id of the operation at `index`, for people to read; returns its length, 0 when there
/// is no such operation.
///
/// # Safety
/// `buffer` is null or points to `capacity` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_operation_id(
    index: u32,
    buffer: *mut u8,
    capacity: usize,
) -> usize {
    // SAFETY: the caller's promise, passed on.
    let output = unsafe { Output::new(buffer, capacity) };
    guard(0, || {
        operations()
            .get(index as usize)
            .map_or(0, |o| output.fill(o.id.as_bytes()))
    })
}

fn checksum<'a>(ids: impl Iterator<Item = &'a str>) -> u64 {
    let bytes = ids.flat_map(|id| id.bytes().chain([b'\n']));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = include_str!("../include/agentidp_operations.h");

    fn defined(name: &str) -> Option<&'static str> {
        HEADER
            .lines()
            .filter_map(|l| l.strip_prefix("#define "))
            .filter_map(|l| l.split_once(' '))
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value.split_whitespace().next().unwrap_or_default())
    }

    #[test]
    fn the_generated_header_speaks_of_this_table() {
        let checksum = agentidp_operations_checksum();
        assert_eq!(
            defined("AGENTIDP_OPERATIONS_CHECKSUM"),
            Some(format!("UINT64_C(0x{checksum:016x})").as_str())
        );
        assert_eq!(
            defined("AGENTIDP_OPERATIONS_COUNT"),
            Some(format!("{}u", agentidp_operations_count()).as_str())
        );
    }

    #[test]
    fn indices_are_positions() {
        for (position, operation) in operations().iter().enumerate() {
            assert_eq!(operation.index as usize, position, "{}", operation.id);
            let mut name = [0u8; 128];
            // SAFETY: the array is ours.
            let len =
                unsafe { agentidp_operation_id(operation.index, name.as_mut_ptr(), name.len()) };
            assert_eq!(&name[..len], operation.id.as_bytes());
        }
        // SAFETY: null is allowed.
        assert_eq!(
            unsafe { agentidp_operation_id(u32::MAX, std::ptr::null_mut(), 0) },
            0
        );
    }

    #[test]
    fn the_checksum_is_fnv_1a() {
        assert_eq!(checksum(std::iter::empty()), 0xcbf2_9ce4_8422_2325);
        assert_ne!(
            checksum(["ab", "c"].into_iter()),
            checksum(["a", "bc"].into_iter())
        );
    }
}
