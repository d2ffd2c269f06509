//! Waking the host: a number written to a descriptor of its own, an eventfd or a pipe's end.
//!
//! A host whose runtime waits for descriptors anyway (an event loop, Go's network poller) then needs
//! no thread that sits in `agentidp_queue_take`.

/// The host's descriptor. It stays the host's: nothing here closes it.
#[derive(Clone, Copy)]
pub struct Wake(i32);

impl Wake {
    /// Writes to that descriptor; a negative one is none.
    pub fn new(fd: i32) -> Option<Self> {
        (fd >= 0).then_some(Self(fd))
    }

    /// Makes the descriptor readable. Never blocks when the descriptor does not; one that is full is
    /// readable already, so nothing is lost.
    pub fn signal(self) {
        #[cfg(unix)]
        {
            let one = 1_u64.to_ne_bytes();
            // SAFETY: eight readable bytes; a descriptor that is not open is an error that says so.
            unsafe { libc::write(self.0, one.as_ptr().cast(), one.len()) };
        }
        // Elsewhere hosts take with a time-out.
        #[cfg(not(unix))]
        let _ = self.0;
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::Wake;
    use std::{io::Read as _, os::fd::AsRawFd as _};

    #[test]
    fn a_signal_makes_the_descriptor_readable() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        Wake::new(writer.as_raw_fd()).unwrap().signal();
        let mut got = [0; 8];
        reader.read_exact(&mut got).unwrap();
        assert_eq!(u64::from_ne_bytes(got), 1);
    }

    #[test]
    fn a_negative_descriptor_is_none() {
        assert!(Wake::new(-1).is_none());
    }
}
