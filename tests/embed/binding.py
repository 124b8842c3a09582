"""binding.py LIBFILCH BINDING: filch from Python, by ctypes: from several threads, and in forks beside them."""
import ctypes
import multiprocessing
import os
import sys
import threading

N, FIB_N, ROUNDS, THREADS, FORKS = 18, 2584, 30, 4, 12


class Fib(ctypes.Structure):
    _fields_ = [("n", ctypes.c_int), ("value", ctypes.c_long)]


FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
filch = ctypes.CDLL(sys.argv[1])
filch.filch_run.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
filch.filch_stop.argtypes = [ctypes.c_void_p]
filch.filch_num_workers.argtypes = [ctypes.c_void_p]
filch.filch_strerror.restype = ctypes.c_char_p
binding_fib = ctypes.cast(ctypes.CDLL(sys.argv[2]).binding_fib, ctypes.c_void_p)
wrong = []


def require(holds, what):
    if not holds:
        wrong.append(what)
        raise AssertionError(what)


def check(error):
    require(error == 0, filch.filch_strerror(error).decode())


def fib(n):
    f = Fib(n, 0)
    check(filch.filch_run(None, binding_fib, ctypes.addressof(f)))
    return f.value


@FUNCTION
def call_back(_):
    """Python code inside filch_run: what it calls spawns in the same slot."""
    called_back.append(fib(N))


called_back = []


def compute():
    for _ in range(ROUNDS):
        require(fib(N) == FIB_N, "fib in a thread")
        check(filch.filch_run(None, ctypes.cast(call_back, ctypes.c_void_p), None))


def in_child(queue):
    require(filch.filch_num_workers(None) == 0, "a child begins without a runtime")
    threads = [threading.Thread(target=compute) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.put(fib(N))
    check(filch.filch_stop(None))


def fork(context):
    queue = context.SimpleQueue()
    child = context.Process(target=in_child, args=(queue,))
    child.start()
    child.join()
    require(child.exitcode == 0, f"a child's exit code is {child.exitcode}")
    require(queue.get() == FIB_N, "fib in a child")


def main():
    context = multiprocessing.get_context("fork")
    threads = [threading.Thread(target=compute) for _ in range(THREADS)]
    require(fib(N) == FIB_N, "fib")
    for thread in threads:
        thread.start()
    for _ in range(FORKS):
        fork(context)
    for thread in threads:
        thread.join()
    require(len(called_back) == THREADS * ROUNDS and set(called_back) == {FIB_N}, "fib in a callback")
    with context.Pool(2) as pool:  # workers that are used again
        require(pool.map(fib, [N] * 8) == [FIB_N] * 8, "fib in a pool")
    check(filch.filch_stop(None))
    require(len(os.listdir("/proc/self/task")) <= 2, "threads are left")  # one that is joined may be listed still
    require(fib(N) == FIB_N, "fib after the stop")  # and nobody stops it
    sys.exit(1 if wrong else 0)


main()
