// BufferPool.RentedBytes is one number per process, and every test ends with it at zero.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
