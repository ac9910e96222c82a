//! A small Rust library bound with PyO3 in two ways: `arc` and `py`.

mod arc;
mod py;

use std::mem::take;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Mutex, Once};
use std::thread;

use pyo3::exceptions::{PyReferenceError, PyTypeError, PyValueError};
use pyo3::prelude::*;

static LAST_ID: AtomicI64 = AtomicI64::new(0);
static LIVE: AtomicI64 = AtomicI64::new(0);
/// One that native code holds and `__del__` may want.
static LOCK: Mutex<()> = Mutex::new(());

/// What a native object is, beside its edges and its callback.
struct Core {
    id: i64,
    message: String,
}

impl Core {
    fn new(message: &str) -> Self {
        LIVE.fetch_add(1, Relaxed);
        Core {
            id: LAST_ID.fetch_add(1, Relaxed) + 1,
            message: message.to_owned(),
        }
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Relaxed);
    }
}

/// A Python function that is called in place of `on_event`.
#[derive(Default)]
struct Callback(Mutex<Option<Py<PyAny>>>);

impl Callback {
    fn set(&self, callback: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        if callback.as_ref().is_some_and(|c| !c.is_callable()) {
            return Err(PyValueError::new_err("the callback cannot be called"));
        }
        let old = std::mem::replace(&mut *self.0.lock().unwrap(), callback.map(Bound::unbind));
        drop(old); // without the lock, because this may run any code
        Ok(())
    }

    fn get<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let callback = self.0.lock().unwrap();
        callback.as_ref().map(|c| c.bind(py).clone())
    }
}

fn released() -> PyErr {
    PyReferenceError::new_err("this MyClassRef has released its native object")
}

fn no_edge() -> PyErr {
    PyValueError::new_err("there is no edge to this native object")
}

fn print(py: Python<'_>, message: &str) -> PyResult<()> {
    py.import("builtins")?.call_method1("print", (message,))?;
    Ok(())
}

fn answer(answer: Bound<'_, PyAny>) -> PyResult<i64> {
    answer
        .extract()
        .map_err(|_| PyTypeError::new_err("on_event must return an int of 64 bits"))
}

/// Drop what is given on threads that Python does not know. Such a thread may hold the lock meanwhile.
fn drop_on_threads<T: Send + 'static>(
    py: Python<'_>,
    all: impl Iterator<Item = T>,
    threads: usize,
    wait: bool,
    locked: bool,
) {
    let mut shares: Vec<Vec<T>> = (0..threads).map(|_| Vec::new()).collect();
    for (i, one) in all.enumerate() {
        shares[i % threads].push(one);
    }
    let spawn = |share: Vec<T>| {
        thread::spawn(move || {
            let guard = locked.then(|| LOCK.lock().unwrap());
            drop(share);
            drop(guard);
        })
    };
    py.detach(|| {
        let crew: Vec<_> = shares.into_iter().map(spawn).collect();
        if wait {
            crew.into_iter().for_each(|t| t.join().unwrap());
        }
    });
}

/// Call `get` of a holder, and drop what it returns, on threads that Python does not know.
fn wrap_on_threads(holder: &Bound<'_, PyAny>, threads: usize, times: usize) {
    let (py, holder) = (holder.py(), holder.clone().unbind());
    let wrap = |py: Python<'_>| {
        if let Err(e) = holder.call_method0(py, "get") {
            e.write_unraisable(py, None);
        }
    };
    py.detach(|| {
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| (0..times).for_each(|_| Python::attach(wrap)));
            }
        })
    });
}

type Late = Box<dyn Send>;
static LATE: Mutex<Vec<Late>> = Mutex::new(Vec::new());

/// Drop a reference when the process ends, which is after the interpreter has.
fn drop_late(reference: Late) {
    unsafe extern "C" {
        safe fn atexit(function: extern "C" fn()) -> i32;
    }
    extern "C" fn end() {
        drop(take(&mut *LATE.lock().unwrap()));
    }
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        atexit(end);
    });
    LATE.lock().unwrap().push(reference);
}

/// Take and release the lock; the GIL is not held meanwhile.
#[pyfunction]
fn synchronize(py: Python<'_>) {
    py.detach(|| drop(LOCK.lock().unwrap()));
}

#[pyfunction]
fn live_objects() -> i64 {
    LIVE.load(Relaxed)
}

#[pymodule]
mod pyo3_arc {
    #[pymodule_export]
    use crate::arc::{MyClass, MyClassRef, new_native, release_from_goroutines};
    #[pymodule_export]
    use crate::{live_objects, synchronize};
}

#[pymodule]
mod pyo3_py {
    #[pymodule_export]
    use crate::py::{MyClass, MyClassRef, new_native, release_from_goroutines};
    #[pymodule_export]
    use crate::{live_objects, synchronize};
}
