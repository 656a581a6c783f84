"""tests/lib/threads.py - several threads of one program, for mount tests."""
import threading


def run_threads(work, count):
    """work(0) to work(count - 1) at once; ends the program when one of them raised anything."""
    failures = []

    def guarded(number):
        try:
            work(number)
        except BaseException as e:  # pylint: disable=broad-except
            failures.append(f'{number}: {e!r}')

    threads = [threading.Thread(target=guarded, args=(n,)) for n in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failures:
        raise SystemExit('\n'.join(failures))
