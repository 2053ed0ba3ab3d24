"""What is inside layers: read by child processes that may die of it, kept in a file that may be lost.

    reader         InventoryReader, which fulfils services.inventories.inventories.Inventories
    readings       layers being read, each once whoever asks, on a bounded number of threads
    children       the child processes of this one, and child_process, each of them
    talk           our half of the conversation with a child about one layer
    messages       what the two say to each other, and told, what they tell of a layer
    child          the child's half; confinement says what it may use, given_file is where its bytes come from
    rpm_sqlite     rpm's database in SQLite form, opened in the child
    cache          <data>/inventory.db, and cache_file, what may happen to that file

How a layer is unpacked is given to the child by main.inventory_child, for backends do not know each other.
"""
