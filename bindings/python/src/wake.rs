//! The file descriptor that wakes an event loop: an eventfd on Linux, a pipe on other Unixes.
//! Where neither exists the loop is woken by a thread instead (see `_aio.py`).

#[cfg(unix)]
pub use unix::Signal;

#[cfg(unix)]
mod unix {
    use std::{
        io,
        os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
    };

    /// A descriptor that becomes readable when `notify` is called, until `clear`.
    pub struct Signal {
        read: OwnedFd,
        #[cfg(not(target_os = "linux"))]
        write: OwnedFd,
    }

    impl Signal {
        #[cfg(target_os = "linux")]
        pub fn new() -> io::Result<Self> {
            // SAFETY: no memory is passed; the result is checked before it is owned.
            let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: the descriptor is fresh and owned by nobody else.
            let read = unsafe { OwnedFd::from_raw_fd(fd) };
            Ok(Self { read })
        }

        #[cfg(not(target_os = "linux"))]
        pub fn new() -> io::Result<Self> {
            let (read, write) = std::io::pipe()?;
            for fd in [read.as_raw_fd(), write.as_raw_fd()] {
                // SAFETY: the descriptor is open; the calls only change its flags.
                unsafe {
                    let flags = libc::fcntl(fd, libc::F_GETFL);
                    libc::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK);
                }
            }
            Ok(Self {
                read: read.into(),
                write: write.into(),
            })
        }

        /// The descriptor to watch.
        pub fn fd(&self) -> RawFd {
            self.read.as_raw_fd()
        }

        /// Makes it readable. A full pipe or counter is readable already.
        pub fn notify(&self) {
            #[cfg(target_os = "linux")]
            let fd = self.read.as_raw_fd();
            #[cfg(not(target_os = "linux"))]
            let fd = self.write.as_raw_fd();
            let one = 1_u64.to_ne_bytes();
            // SAFETY: the buffer lives through the call and has that length.
            unsafe {
                libc::write(fd, one.as_ptr().cast(), one.len());
            }
        }

        /// Takes back what was notified.
        pub fn clear(&self) {
            let mut buffer = [0_u8; 64];
            // SAFETY: the buffer lives through the call and has that length.
            unsafe {
                libc::read(self.fd(), buffer.as_mut_ptr().cast(), buffer.len());
            }
        }
    }
}

#[cfg(not(unix))]
pub use other::Signal;

#[cfg(not(unix))]
mod other {
    use std::io;

    /// No descriptor: the loop is woken by a thread.
    pub struct Signal;

    impl Signal {
        pub fn new() -> io::Result<Self> {
            Ok(Self)
        }
        pub fn fd(&self) -> i32 {
            -1
        }
        pub fn notify(&self) {}
        pub fn clear(&self) {}
    }
}
