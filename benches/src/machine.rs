//! What a process can learn of itself and of its disk.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::outcome::Result;

/// Magic numbers of file systems that keep everything in memory, from Linux's `statfs(2)`.
const RAM_DISKS: [i64; 2] = [0x0102_1994, 0x8584_58F6];

/// Refuses a folder in memory: it says nothing of a disk.
///
/// # Errors
/// Where `folder` is on such a file system, or cannot be looked at.
pub fn refuse_ram_disk(folder: &Path) -> Result<()> {
    let kind = rustix::fs::statfs(folder)
        .map_err(|error| format!("cannot look at the file system of {}: {error}", folder.display()))?
        .f_type;
    if RAM_DISKS.contains(&kind) {
        return Err(format!("{} is in memory: measure on a real disk", folder.display()).into());
    }
    Ok(())
}

/// Bytes of memory that this process has now.
///
/// # Errors
/// Where the system does not say.
pub fn resident() -> Result<u64> {
    status("VmRSS")
}

/// The most bytes of memory that this process ever had.
///
/// # Errors
/// Where the system does not say.
pub fn resident_at_most() -> Result<u64> {
    status("VmHWM")
}

fn status(field: &str) -> Result<u64> {
    let text = fs::read_to_string("/proc/self/status")?;
    kilobytes(&text, field).ok_or_else(|| format!("/proc/self/status has no {field}").into())
}

/// A size in `/proc/PID/status`, in bytes.
fn kilobytes(text: &str, field: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Threads of this process.
///
/// # Errors
/// Where the system does not say.
pub fn threads() -> Result<u64> {
    Ok(fs::read_dir("/proc/self/task")?.count() as u64)
}

/// Files that this process has open.
///
/// # Errors
/// Where the system does not say.
pub fn handles() -> Result<u64> {
    // The listing itself is open while it is read.
    Ok(fs::read_dir("/proc/self/fd")?.count().saturating_sub(1) as u64)
}

/// Bytes of all files below `folder` that hold something: no holes, and no blocks that were set aside behind an end.
///
/// # Errors
/// Where a file cannot be looked at.
pub fn bytes_on_disk(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        bytes += if about.is_dir() {
            bytes_on_disk(&entry.path())?
        } else {
            about.len().min(about.blocks() * 512)
        };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_from_the_status_of_a_process() {
        let text = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t 12 kB\n";
        assert_eq!((kilobytes(text, "VmHWM"), kilobytes(text, "VmRSS")), (Some(2 << 20), Some(12 << 10)));
        assert_eq!(kilobytes(text, "VmSwap"), None);
    }

    #[test]
    fn this_process_has_memory_threads_and_handles() {
        assert!(resident().unwrap() > 0 && resident_at_most().unwrap() >= resident().unwrap() / 2);
        assert!(threads().unwrap() >= 1 && handles().unwrap() >= 1);
    }

    #[test]
    fn holes_take_no_room() {
        let folder = tempfile::tempdir().unwrap();
        let file = fs::File::create(folder.path().join("hole")).unwrap();
        file.set_len(1 << 30).unwrap();
        fs::write(folder.path().join("full"), [1; 100]).unwrap();
        assert_eq!(bytes_on_disk(folder.path()).unwrap(), 100);
    }

    #[test]
    fn a_folder_in_memory_is_refused() {
        refuse_ram_disk(Path::new("/dev/shm")).unwrap_err();
    }
}
